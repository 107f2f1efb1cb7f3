"""The model card that stands beside a policy: what its configuration knows, and what holds for every one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .backend import BackendConfig

CARD = """---
library_name: gen3d-envs
pipeline_tag: robotics
{licence}---
# {name}

A vision-language-action policy for Gen3D environments: {pictures}, an instruction and {proprio} numbers of
proprioception in, {chunk} actions of {actions} numbers out, by flow matching in {steps} steps.
{parameters:,} parameters.

Use: `gen3d_envs.baselines.policies.get_policy("THIS FOLDER", env)`, or `gen3d evaluate --policy "THIS FOLDER"`.

## Made for

{made_for}
The whole contract is in `config.json`; an environment that means something else is refused.

## Training data

All that Gen3D trains with is made in simulation: demonstrations of its scripted expert, the simulator's labels of where
things are and, in fine-tuning, the policy's own episodes with the simulator's reward{beginning}

## Results

None are kept in this folder. This measures it, in the engine that `gen3d train` uses unless told otherwise:

```console
$ gen3d evaluate --policy "THIS FOLDER" --benchmark gen3d-100 --split heldout --episodes 4 --physics mujoco \\
    --size {size} --out run.json
```

## Limits

- It was never on a real robot: no claim is made about one, and it knows of no people, cables or things that bend.
- Gen3D's study teaches to pick one thing up (Pick) and to put it into or onto another (Place), told in short English
  sentences. What it does in other families, or when it is told something else, was not a part of that.
- It has no memory: of what is hidden now it knows nothing.

## Licence

{terms}
"""


def card(name: str, config: BackendConfig, parameters: int, base: str | None = None) -> str:
    """The card in Markdown.

    Args:
        name: of the kind of policy.
        config: with the contract of its training; without one, the card says so.
        parameters: how many.
        base: what the network was before Gen3D trained it; empty where that is not known, None where it was nothing.
    """
    made_for, size = "No environment yet: it holds no contract.\n", 64
    if config.contract:
        contract = config.made_for()
        size = contract.pictures[0].height
        views = "".join(f"- picture: {p.camera}, {p.width} x {p.height} pixels\n" for p in contract.pictures)
        made_for = f"- robot: {contract.robot}\n{views}- control: {contract.action.kind}, {contract.control_hz} Hz\n"
    licence, beginning, terms = "license: mit\n", ".", "MIT, as Gen3D."
    if base is not None:
        licence, beginning = "", f".\nBefore that its network was another one: {base or 'unknown'}."
        terms = "Gen3D is under the MIT licence; the weights are also under that of what the network was before."
    return CARD.format(
        licence=licence, name=name, proprio=len(config.proprio_mean), chunk=config.chunk, actions=config.action_dim,
        pictures="one picture" if config.cameras == 1 else f"{config.cameras} pictures", steps=config.flow_steps,
        parameters=parameters, made_for=made_for, beginning=beginning, size=size, terms=terms,
    )  # fmt: skip
