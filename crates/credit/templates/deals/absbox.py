
deal = mkDeal({
    "name": "Sample AbsBox 2026",
    "dates": {"cutoff": "2026-10-31", "closing": "2026-11-20", "firstPay": "2026-12-20", "stated": "2060-01-01",
              "payFreq": ["DayOfMonth", 20], "poolFreq": ["DayOfMonth", 20]},
    "pool": {"assets": [["Mortgage", {}, {"currentBalance": pool}]]},
    "accounts": {"cash": {"balance": 0}},
    "bonds": {
        "A": {"balance": senior, "rate": 0.035, "originBalance": senior, "originRate": 0.035, "startDate": "2026-11-20",
              "rateType": {"fix": 0.035, "dayCount": "DC_30E_360"}, "bondType": {"Sequential": None}},
        "B": {"balance": junior, "rate": 0.05, "originBalance": junior, "originRate": 0.05, "startDate": "2026-11-20",
              "rateType": {"fix": 0.05, "dayCount": "DC_30E_360"}, "bondType": {"Sequential": None}},
        "E": {"balance": pool - senior - junior, "rate": 0.0, "originBalance": pool - senior - junior, "originRate": 0.0,
              "startDate": "2026-11-20", "rateType": {"Fixed": 0.0}, "bondType": {"Equity": None}},
    },
    "fees": {"servicer": {"type": {"annualPctFee": [("poolBalance",), 0.0025]}}},
    "collect": [["CollectedCash", "cash"]],
    "waterfall": {"amortizing": [
        ["calcAndPayFee", "cash", ["servicer"]],
        ["accrueAndPayIntBySeq", "cash", ["A", "B"]],
        ["payPrinBySeq", "cash", ["A", "B"]],
        ["payPrin", "cash", ["E"]],
        ["payIntResidual", "cash", "E"],
    ]},
})
