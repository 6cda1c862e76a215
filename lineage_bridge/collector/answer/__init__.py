"""The tables read back: what each path of Marquez's API answers, one module a kind of thing."""
