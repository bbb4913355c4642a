"""The addresses of the web."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from solicit_dashboard.health import healthz, readyz
from solicit_dashboard.metrics import metrics
from solicit_dashboard.overview import overview

urlpatterns = [
    path("", overview, name="overview"),
    path("orders/", include("orders.urls")),
    path("", include("messaging.urls")),
    path("accounts/", include("sellers.urls")),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("admin/", admin.site.urls),
]

handler400 = "solicit_dashboard.errors.bad_request"
handler403 = "solicit_dashboard.errors.permission_denied"
handler404 = "solicit_dashboard.errors.page_not_found"
handler500 = "solicit_dashboard.errors.server_error"
