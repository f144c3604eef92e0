"""The words of the model card page that no measurement changes."""

HEAD = """# Model card

What the shipped models are, what they learned from, how good they are and what they must not be
used for. `benchmarks/model_card.py` makes this page from reports of `mask2face evaluate`: every
figure was measured on the files that are in the package. `mask2face inspect natural` shows the
short card inside a file.

**What comes out is invented, not recovered.** The photo does not hold what is under a face mask.
"""

WHICH = """
`natural` is the default: sharper, made to look best on real photos. `faithful` is nearer to the
truth on average, and softer.
"""

TWINS = """
`natural-int8` is `natural` in 8-bit integers, calibrated on faces of the train split: what
`--model natural` runs on a CPU. Its figures were measured on its own file.
"""

QUALITY = """## How good they are

Face masks drawn on {masked_pairs} photos of {people} people of LFW, whom no training saw, at
{side} px; {covered} of a crop is covered. Brackets: 95 % interval, drawn anew over people. The
models find the hole by themselves but where it says otherwise; the baselines are given it, and
learned from {train_pairs} pairs of other people.
"""

SLICES = """## By kind of pair

Hole PSNR, dB, with the true hole; IoU of the hole that the model finds.
"""

RECIPES = """
The recipes are what the runs came to. They were stopped, looked at and gone on with, and the
drawn face masks changed meanwhile: a run from scratch gives a like model, not the same one. [How
to run them](release.md) · [what nets, losses and critic are](training.md#recipes)
"""

USE = """## What it is for

- Filling in a plausible, invented lower face where a face mask is, in pictures of one's own and
  of people who agreed.
- Studies: of inpainting, of face masks in photos, of where methods that find faces fail on them.

## What it must not be used for

- To identify, verify or accuse anyone. The result is no evidence of what somebody looks like, and
  does not belong into face recognition, a watch list, a line-up or a search.
- To show somebody's face to others as if it were theirs.
- To undo the choice of a person who covers their face.
- To decide anything about a person.

Every photo that is altered carries a [mark](ethics.md#the-mark) that a machine can read.
"""

DATA = """## Data and terms

The nets learned from photos of bare faces on which face masks were [drawn by
code](face-masks.md):

- **LFW**, deep-funneled: photos of known people from the news. For research. People are in one
  split only, told apart by name; validation and test are of LFW alone.
- **CelebA**, aligned: photos of celebrities from the web. For research, not for commercial use.
  Who is who was not known to us, so that all of them are in training. A person may be in LFW,
  too.

The people in them were not asked. Both lean towards adults and towards light skin.

The weights are offered under the terms of what they learned from: **research, not commercial
use**. The code is MIT. The landmarks that drawing needs are dlib's, whose file is not for
commercial use; they take no part in `unmask`.
"""

IDENTITY = """## Whether it shows who it is

It does not. The distance is dlib's, between 128 numbers that describe a face, each picture
compared with the bare photo; lower is more alike, 0 the same picture. dlib takes two photos under
0.6 for one person.
"""

IDENTITY_AFTER = """
The masked photo is near the bare one already, because they are the same photo but for the lower
face. So a low distance says that the eyes and brows are still there, which are never changed; it
says nothing about the mouth. What a model adds is the last column, pair by pair: {gains} of the
way to 0, where a face that was recovered would be. An interval that holds 0 means that no
difference was seen. What is painted goes with the eyes; it is not the person's.
"""

LIMITS = """## Limits

- It invents an average mouth for the age, pose and light that it sees. It cannot know a smile, a
  beard or a scar. Beards are mostly left out, teeth are soft.
- Heads turned by more than about 45° come out soft. Half-face respirators and gas masks may be
  removed in part, very wide scarves leave a rest, dark prints may leave a shadow.
- The nets draw {side} px. On larger faces the fill is sharpened and gets the grain of the skin
  around it, but lips, teeth and the jaw's edge stay softer than the eyes of the same photo.
- Faces under about 1/50 of the photo's long side are missed.
- A hand, a cup or a beard may be taken for a face mask.

## Not measured

- How quality differs between people by skin, age, gender, beard or glasses. The attribute file of
  CelebA is not in our data, and LFW has none. Both data sets lean as said above: expect it to be
  worse for whom they show seldom.
- Whether people can tell the results from photos, and what they conclude from them.
- How near the result is on real photos: there is no photo without the face mask to compare with.
- Other identity measures than dlib's, and other detectors than dlib's HOG.
- Children: how many of them are in the data, and how well they come out.
"""
