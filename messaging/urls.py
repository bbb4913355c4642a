"""The addresses of the outbox and of batches."""

from django.urls import URLPattern

app_name = "messaging"
urlpatterns: list[URLPattern] = []
