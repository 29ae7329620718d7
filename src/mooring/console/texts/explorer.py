"""The API explorer."""

__all__ = ["TEXTS"]

TEXTS = {
    "Body (JSON)": "请求体(JSON)",
    "Changes something": "写操作",
    "Commands and latest data": "指令与最新数据",
    "Keys and token are filled in; they are never shown.": "密钥和令牌自动填入,不会显示。",
    "Queues and subscriptions": "队列与订阅",
    "Reads": "读操作",
    "Signed call": "签名调用",
    "Thing models": "物模型",
    "Tokens": "令牌",
}
