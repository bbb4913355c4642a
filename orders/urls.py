"""The addresses of the list of orders and of what is done from it."""

from django.urls import URLPattern

app_name = "orders"
urlpatterns: list[URLPattern] = []
