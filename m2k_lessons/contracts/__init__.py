"""Contract arithmetic: multipliers, ticks, codes, expiries, rolls, fair value, hedge size.

Prices live on a grid of ticks. Every price is turned into a whole number of ticks before it is
added, subtracted or compared, so 2410.3 - 2398.1 is 122 ticks and never 121.99999999999818.
"""

from m2k_lessons.contracts.codes import (
    ContractMonth,
    contract_code,
    front_contract,
    last_trading_day,
    parse_code,
    roll_day,
)
from m2k_lessons.contracts.contract import (
    CONTRACTS,
    ES,
    M2K,
    MES,
    MNQ,
    MONTH_LETTERS,
    MOST_TICKS,
    MYM,
    NQ,
    RTY,
    YM,
    Contract,
    get_contract,
)
from m2k_lessons.contracts.valuation import fair_value, hedge_contracts
