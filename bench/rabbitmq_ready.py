"""`tools/with-rabbitmq python -m bench.rabbitmq_ready` says where the node is, and stays until it is ended."""

import os
import signal

if __name__ == "__main__":
    print(f"RabbitMQ is ready: {os.environ['MOORING_TEST_RABBITMQ']}", flush=True)
    signal.sigwait((signal.SIGTERM, signal.SIGINT))
