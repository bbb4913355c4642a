"""The addresses of seller accounts."""

from django.urls import URLPattern, path

from orders.views import notifications
from sellers.views import accounts, applications, connect, doctor, join, oauth, people

app_name = "sellers"
urlpatterns: list[URLPattern] = [
    path("", accounts.account_list, name="list"),
    path("<int:account_id>/pause/", accounts.pause, name="pause"),
    path("<int:account_id>/resume/", accounts.resume, name="resume"),
    path("<int:account_id>/try-again/", accounts.try_again, name="try_again"),
    path("<int:account_id>/one-message/", accounts.one_message, name="one_message"),
    path("<int:account_id>/notifications/", notifications.notifications, name="notifications"),
    path("<int:account_id>/notifications/start/", notifications.start, name="start_notifications"),
    path("<int:account_id>/notifications/end/", notifications.end, name="end_notifications"),
    path(
        "<int:account_id>/notifications/<int:parked_id>/replay/",
        notifications.replay_one,
        name="replay_notification",
    ),
    path("<int:account_id>/doctor/", doctor.doctor, name="doctor"),
    path("<int:account_id>/doctor/<slug:check>/", doctor.line, name="doctor_line"),
    path("<int:account_id>/", connect.account, name="account"),
    path("connect/", connect.connect, name="connect"),
    path("<int:account_id>/renew/", connect.renew, name="renew"),
    path("<int:account_id>/disconnect/", connect.disconnect, name="disconnect"),
    path("consent/", oauth.start, name="consent"),
    path("<int:account_id>/consent/", oauth.start_renewal, name="consent_again"),
    path("authorize/", oauth.from_appstore, name="from_appstore"),
    path("callback/", oauth.callback, name="callback"),
    path("applications/", applications.applications, name="applications"),
    path("applications/add/", applications.add, name="add_application"),
    path("applications/<int:application_id>/", applications.change, name="application"),
    path("join/", join.join, name="join"),
    path("<int:account_id>/people/", people.people, name="people"),
    path("<int:account_id>/people/invite/", people.invite, name="invite"),
    path(
        "<int:account_id>/people/invitations/<int:invitation_id>/revoke/",
        people.uninvite,
        name="uninvite",
    ),
    path("<int:account_id>/people/reviewed/", people.review_people, name="review_people"),
    path("<int:account_id>/people/<int:member_id>/role/", people.change_role, name="change_role"),
    path(
        "<int:account_id>/people/<int:member_id>/remove/",
        people.remove_member,
        name="remove_member",
    ),
]
