"""How the admin writes moments: exact to the second, and the same wherever one comes from."""

DATETIME_FORMAT = "j M Y H:i:s"
SHORT_DATETIME_FORMAT = "j M Y H:i"
DATE_FORMAT = "j M Y"
SHORT_DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i:s"
FIRST_DAY_OF_WEEK = 1
