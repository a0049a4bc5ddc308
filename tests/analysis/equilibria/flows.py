"""The part that flows of these tests share."""

import neurodyn as nd
from neurodyn.system import AbstractFlow


class AbstractSeen(AbstractFlow):
    """A flow without noise whose state ``x`` is recorded; the first entry is read out."""

    def diffusion(self, t, state, u):
        return None

    def readout(self, state):
        return state.x[:1]

    def observe(self, state):
        return {"x": state.x}

    def variables(self):
        return {"x": nd.Variable(("latent",), "1", "state", "latent")}

    def unit_coords(self):
        return {}
