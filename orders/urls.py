"""The addresses of the list of orders, of one order, and of what is done from them."""

from django.urls import path

from orders.views import actions, detail, exclusions, imports, pages, reports

app_name = "orders"
urlpatterns = [
    path("", pages.order_list, name="list"),
    path("counts/", pages.order_counts, name="counts"),
    path("import/", imports.import_orders, name="import"),
    path("request-reviews/", actions.request_many, name="request_reviews"),
    path("<int:account_id>/reports/", reports.reports, name="reports"),
    path("<int:account_id>/reports/read/", reports.read, name="read_reports"),
    path("<int:account_id>/<str:number>/", detail.detail, name="detail"),
    path("<int:account_id>/<str:number>/state/", detail.state, name="state"),
    path("<int:account_id>/<str:number>/row/", pages.order_row, name="row"),
    path(
        "<int:account_id>/<str:number>/request-review/", actions.request_one, name="request_review"
    ),
    path(
        "<int:account_id>/<str:number>/cancel-request/", actions.cancel_one, name="cancel_request"
    ),
]

# They stand at an address of their own.
exclusion_urls = (
    [
        path("", exclusions.exclusions, name="list"),
        path("add/", exclusions.add, name="add"),
        path("<int:exclusion_id>/undo/", exclusions.undo, name="undo"),
    ],
    "exclusions",
)
