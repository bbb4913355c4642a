"""The addresses of Subscribe & Save."""

from django.urls import path

from replenishment import views

app_name = "replenishment"
urlpatterns = [
    path("", views.offers, name="offers"),
    path("csv/", views.export, name="export"),
]
