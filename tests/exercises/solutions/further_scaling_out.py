"""Lesson 03b."""


def points_by_a_loop(gained, target):
    half_at = gained.iloc[-1]
    for points in gained:
        if points >= target:
            half_at = points
            break
    return (half_at + gained.iloc[-1]) / 2


def points_by_a_mask(gained, target):
    values = gained.to_numpy()
    first = (values >= target).argmax() if (values >= target).any() else -1
    return (values[first] + values[-1]) / 2


def points_at_the_target(gained, target):
    half_at = target if gained.max() >= target else gained.iloc[-1]
    return (half_at + gained.iloc[-1]) / 2


def points_at_the_best(gained, target):
    half_at = gained.max() if gained.max() >= target else gained.iloc[-1]
    return (half_at + gained.iloc[-1]) / 2


def points_all_sold(gained, target):
    reached = gained[gained >= target]
    return reached.iloc[0] if len(reached) else gained.iloc[-1]


SOLUTIONS = {
    "q2": (
        [points_by_a_loop, points_by_a_mask],
        {
            points_at_the_target: "first *close* that reaches it",
            points_at_the_best: "best close of the trade",
            points_all_sold: "Half of it stays",
        },
    ),
}
