"""The engine on other machines: servers that speak OpenAI's chat completions, as most inference servers do.

engine    RemoteEngine: queues requests, and retries on another server until an answer has begun
client    Client: one server's HTTP API: its model, and an answer as a stream of pieces
balancer  Balancer: which server is asked, and which are left alone after a failure
"""
