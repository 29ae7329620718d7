"""The start page."""

__all__ = ["TEXTS"]

TEXTS = {
    "API calls in 24 hours": "24 小时 API 调用",
    "Calls": "调用次数",
    "Consumers": "消费者",
    "Counting begins now.": "刚开始统计。",
    "Failures": "失败次数",
    "Messages in queues": "队列中的消息",
    "Messages per minute": "每分钟消息数",
    "Messages wait in queue {name}, and nobody consumes.": "队列 {name} 有消息等待,但没有消费者。",
    "Needs attention": "需要关注",
    "Nothing needs attention.": "没有需要关注的事项。",
    "Oldest message": "最早的消息",
    "Product {name} has no released thing model.": "产品 {name} 没有已发布的物模型。",
    "Queue": "队列",
    "Queue {name} has lost messages that were too old or too many.": "队列 {name} 有消息因过期或超量而丢失。",
    "Queue {name} is nearly full.": "队列 {name} 快满了。",
    "Queue {name} is suspended: nobody consumed it for 30 days.": "队列 {name} 已暂停:30 天无人消费。",
    "SaaS application {name} cannot use the API: it or its API access is off.": "SaaS 应用 {name} 无法使用 API:应用或其 API 访问已关闭。",
    "SaaS application {name} has no service package.": "SaaS 应用 {name} 没有服务包。",
    "There is no SaaS application yet.": "还没有 SaaS 应用。",
    "There is no queue yet.": "还没有队列。",
    "Waiting": "等待中",
}
