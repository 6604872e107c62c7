"""Several holdings at once: weights by a rule, what each adds to risk, and keeping them there.

Weights
    Shares of the account, 0.25 for 25 %. `allocate` makes weights that are never short and sum
    to one.
Returns
    Simple returns as decimals, 0.01 for 1 %, one column for each asset, one row for each bar.
    Volatility is in the unit of the returns: of daily returns, a day's.
Time
    What a close shows is traded at the next close, by every rule here. A correlation or a weight
    in row t knows the rows up to t and nothing after it.
Money
    Kept in whole cents, so that what goes in, what is earned, what is paid and what is left
    agree to the cent.
Errors
    What a docstring does not accept, and tables for other assets or on other rows, raise a
    `TypeError` or a `ValueError` that names the argument.
"""

from m2k_lessons.portfolio.arguments import RULES
from m2k_lessons.portfolio.contract_weights import (
    ContractPortfolio,
    rebalance_contracts,
    whole_contracts,
)
from m2k_lessons.portfolio.covariance import (
    covariance_matrix,
    diversification_ratio,
    ewma_correlation,
    portfolio_volatility,
    risk_contribution,
    rolling_correlation,
)
from m2k_lessons.portfolio.rebalancing import Portfolio, rebalance
from m2k_lessons.portfolio.weights import METHODS, allocate, weights_from_covariance
