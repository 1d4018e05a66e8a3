"""The engine on other machines: servers that speak OpenAI's chat completions, as most inference servers do.

engine    RemoteEngine: queues requests, and retries on another server until an answer has begun
client    Client: one server's HTTP API: its model, and an answer as a stream of pieces
chunks    the chunks of an answer, out of the bytes of an HTTP response
refusals  the request without what a server refuses of it
errors    what goes wrong with a server, and what the operator can do about it
balancer  Balancer: which server is asked, and which are left alone after a failure
"""
