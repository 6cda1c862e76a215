"""Sharing: our own events go to Marquez, each once, in an order that binds versions right.

`intake` takes events of the journal into the `queue`, `facts` and `order` say which of them may go
side by side, `run` sends them with `patience`, and `forward` is the way in. What Marquez cannot
hold (`limits`) or refuses becomes one of the `dead_letters`. `marquez` is the only HTTP client.
"""
