"""The addresses of the list of orders, of one order, and of what is done from them."""

from django.urls import URLPattern, path

from orders.views import detail

app_name = "orders"
urlpatterns: list[URLPattern] = [
    path("<int:account_id>/<str:number>/", detail.detail, name="detail"),
    path("<int:account_id>/<str:number>/state/", detail.state, name="state"),
]
