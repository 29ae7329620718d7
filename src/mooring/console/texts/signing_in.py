"""Login and the own password."""

__all__ = ["TEXTS"]

TEXTS = {
    "At least 10 characters. You are logged out everywhere.": "至少 10 个字符。修改后所有登录都会退出。",
    "Change password": "修改密码",
    "E-mail": "邮箱",
    "Log in": "登录",
    "New password": "新密码",
    "Password": "密码",
    "Present password": "当前密码",
    "The password is changed. Log in with the new one.": "密码已修改,请用新密码登录。",
    "Your password is for one use. Choose your own to go on.": "当前密码只能使用一次,请设置自己的密码后继续。",
    "e-mail or password is wrong": "邮箱或密码错误",
}
