"""The addresses of seller accounts."""

from django.urls import URLPattern, path

from sellers.views import accounts, doctor, join, people

app_name = "sellers"
urlpatterns: list[URLPattern] = [
    path("", accounts.account_list, name="list"),
    path("<int:account_id>/pause/", accounts.pause, name="pause"),
    path("<int:account_id>/resume/", accounts.resume, name="resume"),
    path("<int:account_id>/try-again/", accounts.try_again, name="try_again"),
    path("<int:account_id>/doctor/", doctor.doctor, name="doctor"),
    path("<int:account_id>/doctor/<slug:check>/", doctor.line, name="doctor_line"),
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
