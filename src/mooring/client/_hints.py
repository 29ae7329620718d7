"""What to do about a failure code, in one sentence; only where the message alone does not say it."""

_HINTS = {
    401: "Check the AccessSecret",
    403: "The AccessKey is disabled; enable it in the console",
    50006: "Give product_key or product_id",
    70063: "The product is transparent (data_format 0) and has no thing model",
    70089: "Authorize the product to the application that owns the AccessKey",
    70097: "Release the thing model of the product first",
    90047: "Check the AccessKey, and that base_url is the cloud it was made in",
    91005: "Authorize the service package of this operation to the application",
    91006: "Add the address of this machine to the IP whitelist of the application",
    91007: "Activate the service package for the account and the API access of the application",
}
_LOGIN_CLOCK = "Check the clock of this machine: a login may be 10 minutes off at most"


def hint_for(code: int, operation: str) -> str | None:
    """Return the advice for a code that `operation` was answered with."""
    if code == 50005 and operation == "authLogin":
        return _LOGIN_CLOCK
    if code in (401, 403) and operation != "authLogin":
        return None
    return _HINTS.get(code)
