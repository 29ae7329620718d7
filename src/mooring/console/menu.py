"""The menu: sections with their pages. A page that nothing answers yet is left out."""

__all__ = ["MENU"]

MENU: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("", (("Start", "/"),)),
    (
        "Product development",
        (
            ("Products", "/products"),
            ("CA certificates", "/ca-certificates"),
        ),
    ),
    (
        "Device management",
        (
            ("Devices", "/devices"),
            ("Commands", "/commands"),
            ("Virtual devices", "/virtual-devices"),
        ),
    ),
    (
        "SaaS development",
        (
            ("SaaS applications", "/saas-apps"),
            ("API explorer", "/explorer"),
            ("Service market", "/services"),
            ("Message queues", "/queues"),
            ("Subscriptions", "/subscriptions"),
            ("End users and apps", "/end-users"),
        ),
    ),
    (
        "Account",
        (
            ("Members", "/members"),
            ("Audit log", "/audit"),
            ("My account", "/me"),
        ),
    ),
)
"""(heading, ((text, path below /console), …))."""
