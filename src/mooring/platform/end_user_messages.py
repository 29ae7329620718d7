"""What applications are told of end users and bindings (contract/messages.md sections 4.5, 4.9 and 4.10)."""

from mooring.store.queue_messages import MessageRow

from . import message_bodies as bodies
from .announcer import Announcer
from .directory import Directory
from .end_user_news import BindingNews, GrantNews, News, UserNews

__all__ = ["EndUserMessages"]

_KINDS = {"add": "ENDUSER-USER-ADD", "update": "ENDUSER-USER-UPDATE", "delete": "ENDUSER-USER-DELETE"}


class EndUserMessages:
    """`of` is a listener of `EndUserNews`."""

    def __init__(self, announcer: Announcer, directory: Directory) -> None:
        self._announcer = announcer
        self._directory = directory

    def of(self, news: News) -> list[MessageRow]:
        """The messages that tell of it."""
        messages: list[MessageRow] = []
        match news:
            case BindingNews():
                app = self._directory.end_user_app(news.binding.end_user_app_id)
                if app is not None:
                    cause = None if news.cause is None else int(news.cause)
                    data = bodies.binding(news.binding, app.user_domain, news.value, cause)
                    self._announcer.bound(messages.append, news.device, data)
            case UserNews():
                domain = news.app.user_domain
                data = bodies.user(news.user, domain, whole=news.kind != "delete")
                self._announcer.domain(messages.append, domain, _KINDS[news.kind], data)
            case GrantNews():
                self._announcer.app(
                    messages.append,
                    news.saas_app.id,
                    "META_EVENT-GRANT_USER_DOMAIN",
                    {"appName": news.app.name},
                    operation="AUTH" if news.authorized else "CANCEL_AUTH",
                    actor=news.actor,
                    extra={"userDomain": news.app.user_domain, "userDomainId": news.app.id},
                )
        return messages
