"""Members of the account."""

__all__ = ["TEXTS"]

TEXTS = {
    "Add a member": "添加成员",
    "Failed logins": "登录失败次数",
    "It is shown this once. At the first login they must choose their own.": "仅显示这一次。成员首次登录时必须设置自己的密码。",
    "Locked": "已锁定",
    "Locked until": "锁定至",
    "Logins are refused, sessions and tokens end.": "将拒绝其登录,会话和令牌将结束。",
    "No member matches.": "没有匹配的成员。",
    "One-time password": "一次性密码",
    "Reset password": "重置密码",
    "Sessions and tokens of the member end, too.": "该成员的会话和令牌也将结束。",
    "Sessions, tokens and codes of the authenticator app end; they log in with a one-time password.": (
        "会话、令牌和身份验证器验证码将失效;成员需用一次性密码登录。"
    ),
    "They may try again at once.": "该成员可立即重试登录。",
    "This is you.": "这是您自己。",
    "Unlock": "解锁",
    "You": "您",
    "developer: changes products, devices and applications, too": "开发者:还可修改产品、设备和应用",
    "owner: changes members and the account, too": "所有者:还可管理成员和账号",
    "the last owner of an account stays": "账号必须保留最后一位所有者",
    "this member is disabled; an owner can enable them": "该成员已被禁用,请联系所有者启用",
    "viewer: sees everything but secrets": "访客:可查看除密钥外的所有内容",
    "{email} is a member now.": "{email} 已成为成员。",
    "{email} is {role} now.": "{email} 的角色现在是{role}。",
}
