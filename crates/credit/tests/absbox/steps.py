# Rates that step up, a bond that is locked out, and one with a plan. On each payment date the pool's proceeds of that
# day are paid.
pool = dict(assets=[["Loan", {}, {"currentBalance": 500000}], ["Loan", {}, {"currentBalance": 500000.00}]])
day = ["DayOfMonth", 25]
start = "2026-12-25"


def bond(balance, rate):   # not run: bonds are written out below
    return {"balance": balance, "rate": rate}


steps = {
    "name": 'Steps 2026', "currency": "EUR",
    "dates": {"cutoff": "2026-11-30", "closing": start, "firstPay": "2027-01-25", "stated": "2030-01-01",
              "payFreq": day, "poolFreq": day},
    "pool": pool,
    "accounts": {"acc": {"balance": 0}},
    "bonds": {
        "A": {"originBalance": 500000, "rate": 0.05, "originRate": 0.05, "startDate": start, "bondType": {"Sequential": None},
              "rateType": {"fix": 0.05}, "stepUp": ("once", "2027-02-10", 0.01)},
        "B": {"originBalance": 250000, "rate": 0.06, "originRate": 0.06, "startDate": start, "bondType": {"Lockout": "2027-03-25"},
              "rateType": {"fix": 0.06, "dayCount": "DC_30E_360"},
              "stepUp": ("ladder", "2027-02-25", 0.005, ["EveryNMonth", "2027-02-25", 1])},
        "C": {"originBalance": 100000, "rate": 0.07, "originRate": 0.07, "startDate": start,
              "bondType": {"PAC": [["2027-01-25", 90000], ["2027-02-25", 80000.5], ["2027-04-25", 0]]},
              "rateType": {"StepUp": 0.07, "Spread": 0.0025, "When": ["After", "2027-01-31", "MonthEnd"]}},
        "E": {"originBalance": 150000, "rate": 0.0, "startDate": start, "rateType": {"Fixed": 0.0}, "bondType": {"Equity": None}},
    },
    "fees": {"servicer": {"type": {"annualPctFee": [("poolBalance",), 0.0073]}}},
    "collect": [["CollectedCash", "acc"]],
    "waterfall": {"amortizing": [
        ["calcAndPayFee", "acc", ["servicer"]],
        ["accrueAndPayInt", "acc", ["A", "B", "C"]],
        ["payPrin", "acc", ["C"]],
        ["If", [">=", "2027-02-01"], ["payPrin", "acc", ["A", "B"]]],
        ["payPrin", "acc", ["E"]],
        ["payIntResidual", "acc", "E"],
    ]},
}
