"""The addresses of messages, the outbox, batches, templates, the kill switch and the palette."""

from django.urls import URLPattern, path

from messaging.views import (
    batch_actions,
    batches,
    bulk,
    compose,
    decisions,
    files,
    offered,
    outbox,
    palette,
    switches,
    templates,
)

app_name = "messaging"
urlpatterns: list[URLPattern] = [
    path("orders/<int:account_id>/<str:number>/messages/", offered.offered, name="messages"),
    path(
        "orders/<int:account_id>/<str:number>/messages/<str:kind>/",
        compose.compose,
        name="compose",
    ),
    path("messages/new/", bulk.choose, name="bulk"),
    path("messages/write/", bulk.write, name="bulk_write"),
    path("messages/check/", bulk.check, name="bulk_check"),
    path("go/", palette.palette, name="palette"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/<int:action_id>/", outbox.action, name="action"),
    path("outbox/<int:action_id>/cancel/", outbox.cancel, name="cancel"),
    path("outbox/<int:action_id>/retry/", outbox.retry, name="retry"),
    path("outbox/<int:action_id>/decide/", decisions.decision, name="decide"),
    path("stop/", switches.switches, name="switches"),
    path("stop/<int:switch_id>/lift/", switches.lift, name="lift"),
    path("batches/status/", batches.batch_status, name="batch_status"),
    path("batches/<int:batch_id>/", batches.batch, name="batch"),
    path("batches/<int:batch_id>/progress/", batches.progress, name="progress"),
    path("batches/<int:batch_id>/stop/", batches.stop, name="stop"),
    path("batches/<int:batch_id>/actions.csv", batch_actions.export, name="export"),
    path("accounts/<int:account_id>/files/", files.upload, name="upload"),
    path("accounts/<int:account_id>/files/<int:file_id>/", files.file, name="file"),
    path("accounts/<int:account_id>/templates/", templates.templates, name="templates"),
    path("accounts/<int:account_id>/templates/add/", templates.add, name="add_template"),
    path("accounts/<int:account_id>/templates/check/", templates.check, name="check_template"),
    path(
        "accounts/<int:account_id>/templates/<int:template_id>/",
        templates.change,
        name="change_template",
    ),
    path(
        "accounts/<int:account_id>/templates/<int:template_id>/delete/",
        templates.delete,
        name="delete_template",
    ),
]
