"""The addresses of the web."""

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from orders.urls import exclusion_urls
from solicit_dashboard.admin_gate import own_password_page
from solicit_dashboard.health import healthz, readyz
from solicit_dashboard.metrics import metrics
from solicit_dashboard.overview import overview

# The admin has no log-in of its own, which would know no second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
# Nor has it a page for passwords of its own, which would neither be audited nor end other sessions.
admin.site.password_change = own_password_page  # type: ignore[method-assign, assignment]

urlpatterns = [
    path("", overview, name="overview"),
    path("orders/", include("orders.urls")),
    path("exclusions/", include(exclusion_urls)),
    path("", include("messaging.urls")),
    path("accounts/", include("sellers.urls")),
    path("replenishment/", include("replenishment.urls")),
    path("", include("people.urls")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path(f"{settings.ADMIN_PATH}/", admin.site.urls),
]

handler400 = "solicit_dashboard.errors.bad_request"
handler403 = "solicit_dashboard.errors.permission_denied"
handler404 = "solicit_dashboard.errors.page_not_found"
handler500 = "solicit_dashboard.errors.server_error"
