"""Payment dates moved for weekends and holidays, one by one; fees on days of their own; a reserve."""
from absbox import (
    mkDeal,
    API,
)

million = 1_000_000
share = {"A": 0.8, "B": 0.15}

dates = {"poolCollection": ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"],
         "distirbution": ["2027-02-26", "2027-03-29", "2027-04-30", "2027-06-01"],
         "cutoff": "2026-12-31", "closing": "2027-01-11"}

base = {"startDate": "2027-01-11", "bondType": {"Sequential": None}}
rate_a, rate_b = 0, 0  # not used below

bonds = {
    "A": {**base, "balance": million * share["A"], "originBalance": million * share["A"],
          "rate": 0.05, "originRate": 0.05, "rateType": {"fix": 0.05, "dayCount": "DC_ACT_360"}},
    "B": base | {"balance": 150000, "originBalance": 150000,
                 "rate": 0.07, "originRate": 0.07, "rateType": {"fix": 0.07}},
    "E": {"balance": 50000, "originBalance": 50000, "rate": 0.0, "originRate": 0.0, "startDate": "2027-01-11",
          "rateType": {"InterimYield": 0.02}, "bondType": {"Equity": None}},
}

fees = {
    "rating": {"type": {"customFee": [["2027-01-20", 100], ["2027-03-15", 50], ["2027-03-20", 25.5], ["2027-12-01", 7]]}},
    "audit": {"type": {"recurFee": ["QuarterEnd", 40]}},
}

receive = [["Collected" + kind, account] for kind, account in []]

deal = mkDeal({
    "name": "Listed" + " 2027",
    "dates": dates,
    "pool": {"cashflow": [], "issuanceStat": {"IssuanceBalance": 1e6}},
    "accounts": {"int": {"balance": 0}, "prin": {"balance": 0},
                 "reserve": {"balance": 5000,
                             "type": {"max": [{"targetReserve": [("*", ("bondBalance", "A", "B"), 0.01)]}, {"fixReserve": 4000}]}}},
    "bonds": bonds,
    "fees": fees,
    "collect": [["CollectedInterest", "int"], ["CollectedPrincipal", "prin"],
                ["CollectedPrepayment", "prin"], ["CollectedRecoveries", "prin"]],
    "custom": {"most": 60},
    "waterfall": {"amortizing": [
        ["transfer", "reserve", "int", {"reserve": "excess"}],
        ["payFee", "int", ["rating", "audit"], {"limit": {"formula": ("custom", "most")}, "support": ["account", "reserve"]}],
        ["calcInt", "A", "B"],
        ["payInt", "int", ["A"], {"support": ["account", "reserve"]}],
        ["payInt", "int", ["B"]],
        ["transfer", "int", "reserve", {"reserve": "gap"}],
        ["payPrinBySeq", "prin", ["A", "B"]],
        ["payPrin", "prin", ["E"]],
        ["payPrinResidual", "prin", "E"],
        ["payIntResidual", "int", "E"],
    ]},
    "status": ("PreClosing", "Amortizing"),
})
