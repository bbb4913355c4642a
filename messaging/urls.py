"""The addresses of the outbox and of batches."""

from django.urls import URLPattern, path

from messaging.views import batch_actions, batches, outbox

app_name = "messaging"
urlpatterns: list[URLPattern] = [
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/<int:action_id>/", outbox.action, name="action"),
    path("outbox/<int:action_id>/cancel/", outbox.cancel, name="cancel"),
    path("outbox/<int:action_id>/retry/", outbox.retry, name="retry"),
    path("batches/status/", batches.batch_status, name="batch_status"),
    path("batches/<int:batch_id>/", batches.batch, name="batch"),
    path("batches/<int:batch_id>/progress/", batches.progress, name="progress"),
    path("batches/<int:batch_id>/stop/", batches.stop, name="stop"),
    path("batches/<int:batch_id>/actions.csv", batch_actions.export, name="export"),
]
