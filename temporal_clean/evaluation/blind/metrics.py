"""What each no-reference figure means, in a sentence for a person, and what it does not see."""

from temporal_clean.evaluation.metrics import Metric

__all__ = ["BLIND_METRICS"]

FLICKER_LIMIT = (
    "The motion is seen in the video itself, so flicker that looks like motion is missed, and "
    "where motion cannot be followed nothing is counted. "
)

BLIND_METRICS: dict[str, Metric] = {
    "flicker_low": Metric(
        "Flicker to 6 Hz",
        "x1e-3",
        "lower",
        "How strongly brightness pulses slowly, up to 6 times a second, along the motion.",
        FLICKER_LIMIT + "Light and shade that really change count too.",
        3,
    ),
    "flicker_mid": Metric(
        "Flicker 6-15 Hz",
        "x1e-3",
        "lower",
        "How strongly brightness flickers 6 to 15 times a second, where the eye sees it best.",
        FLICKER_LIMIT + "Things that really blink count too.",
        3,
    ),
    "flicker_high": Metric(
        "Flicker over 15 Hz",
        "x1e-3",
        "lower",
        "How strongly brightness shimmers from frame to frame, over 15 times a second.",
        FLICKER_LIMIT + "Only for videos of more than 30 frames a second; blur lowers it.",
        3,
    ),
    "followed": Metric(
        "Followed",
        "",
        "higher",
        "The share of the picture whose motion could be followed, on which flicker was measured.",
        "No quality by itself: fast motion lowers it, and so does strong flicker.",
    ),
    "static_shimmer": Metric(
        "Static shimmer",
        "codes",
        "lower",
        "How much brightness wavers where nothing moves, as a deviation in codes of 255.",
        "Only where at least 5 % of the picture stands still; changes slower than a window and "
        "lasting ones are left out.",
    ),
    "sharpness_change": Metric(
        "Sharpness change",
        "",
        "one",
        "The share of the input's gradients that the video keeps: under 1 blurred, over 1 "
        "sharpened.",
        "Needs the input. Taking away noise or jagged edges lowers it as blur does.",
    ),
    "gradient_energy": Metric(
        "Gradient energy",
        "x1e-3",
        "higher",
        "How much fine contrast the picture holds; to compare versions of one video.",
        "Noise and jagged edges raise it as detail does; it says nothing across videos.",
        3,
    ),
    "ghost_suspect": Metric(
        "Ghost suspected",
        "",
        "zero",
        "How much of the input's previous frame shows where new content came into its view.",
        "Needs the input. New content is guessed from the motion in the input, so strong flicker "
        "at moving edges can pass for it.",
    ),
}
