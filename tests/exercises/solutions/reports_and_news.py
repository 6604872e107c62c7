"""Chapter 10."""

import numpy as np


def overlap_by_last(minutes, length):
    kept, free = [], float("-inf")
    for minute in sorted(minutes):
        if minute >= free:
            kept.append(minute)
            free = minute + length
    return kept


def overlap_by_removal(minutes, length):
    left, kept = sorted(minutes), []
    while left:
        kept.append(left[0])
        left = [minute for minute in left if minute - kept[-1] >= length]
    return kept


def overlap_with_dropped(minutes, length):
    ordered = sorted(minutes)
    return [b for a, b in zip([float("-inf"), *ordered], ordered, strict=False) if b - a >= length]


def overlap_strict(minutes, length):
    kept = []
    for minute in sorted(minutes):
        if not kept or minute > kept[-1] + length:
            kept.append(minute)
    return kept


def overlap_unsorted(minutes, length):
    kept = []
    for minute in minutes:
        if not kept or minute - kept[-1] >= length:
            kept.append(minute)
    return kept


def error_by_pandas(moves):
    return moves.mean(), moves.sem()


def error_by_hand(moves):
    mean = sum(moves) / len(moves)
    variance = sum((move - mean) ** 2 for move in moves) / (len(moves) - 1)
    return [mean, (variance / len(moves)) ** 0.5]


def error_of_one(moves):
    return moves.mean(), moves.std()


def error_of_a_population(moves):
    return np.mean(moves), np.std(moves.to_numpy()) / len(moves) ** 0.5


def error_too_small(moves):
    return moves.mean(), moves.std() / len(moves)


SOLUTIONS = {
    "q7": (
        [overlap_by_last, overlap_by_removal],
        {
            overlap_with_dropped: "kept or not",
            overlap_strict: "Windows may touch",
            overlap_unsorted: "sort them first",
        },
    ),
    "q8": (
        [error_by_pandas, error_by_hand],
        {
            error_of_one: "single move strays",
            error_of_a_population: "population",
            error_too_small: "square root of the number",
        },
    ),
}
