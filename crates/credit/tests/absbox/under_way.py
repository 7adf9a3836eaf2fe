# A deal that closed in 2024: what is given is what stands after its payment date of October 2026. The next date is moved to a
# Monday, and the one of its cycle follows four days later, before anything more has come in.
from absbox import SPV

now = SPV(
    name="Under way 2024",
    dates={
        "collect": ["2026-09-30", "2026-10-31"],   # the last day of collections, the next one
        "pay": ["2026-10-15", "2026-11-16"],
        "payFreq": ["DayOfMonth", 20], "poolFreq": "MonthEnd", "stated": "2035-01-01",
    },
    pool={"assets": [["Mortgage", {"originBalance": 800_000, "originRate": ["fix", 0.08], "originTerm": 120, "freq": "Monthly",
                                   "type": "Level", "originDate": "2024-01-01"},
                      {"currentBalance": 520_000, "currentRate": 0.08, "remainTerm": 87, "status": "current"}],
                     ["Mortgage", {"originBalance": 200_000, "originRate": ["fix", 0.07], "originTerm": 120, "freq": "Monthly",
                                   "type": "Level", "originDate": "2024-01-01"},
                      {"currentBalance": 100_000, "currentRate": 0.07, "remainTerm": 87, "status": "current"}]],
          "issuanceStat": {"IssuanceBalance": 1_000_000, "HistoryDefaults": 15_000, "HistoryRecoveries": 5_000}},
    accounts=(("acc", {"balance": 800}), ("res", {"balance": 2_000, "type": {"fixReserve": 2_000}})),
    bonds=(
        ("A", {"balance": 350_000, "rate": 0.055, "originBalance": 700_000, "originRate": 0.05, "startDate": "2024-01-10",
               "rateType": {"Fixed": 0.055}, "bondType": {"Sequential": None}, "dueInt": 120.5}),
        ("B", {"balance": 200_000, "rate": 0.08, "originBalance": 200_000, "originRate": 0.08, "startDate": "2024-01-10",
               "rateType": {"fix": 0.08, "dayCount": "DC_30E_360"}, "bondType": {"Sequential": None},
               "lastAccrueDate": "2026-10-15", "lastIntPayDate": "2026-10-15"}),
        ("E", {"balance": 100_000, "rate": 0.0, "originBalance": 100_000, "originRate": 0.0, "startDate": "2024-01-10",
               "rateType": {"Fixed": 0.0}, "bondType": {"Equity": None}}),
    ),
    fees=(
        ("audit", {"type": {"recurFee": [["DayOfMonth", 1], 90]}, "feeDue": 30, "feeDueDate": "2026-10-16"}),
        ("setup", {"type": {"fixFee": 500}, "feeDue": 12.25, "feeDueDate": "2024-02-15"}),
    ),
    waterfall={
        "default": [
            ["payFee", ["acc"], ["audit", "setup"]],
            ["accrueAndPayInt", "acc", ["A"], {"support": ["account", "res"]}],
            ["accrueAndPayInt", "acc", ["B"], {"support": ["account", "res"]}],
            ["transfer", "acc", "res", {"reserve": "gap"}],
            ["payPrin", "acc", ["A"], {"limit": {"balCapAmt": 9_000}}],
            ["payPrin", "acc", ["E"]],
            ["payIntResidual", "acc", "E"],
        ],
        "Accelerated": [
            ["payFee", "acc", ["audit", "setup"]],
            ["accrueAndPayIntBySeq", "acc", ["A", "B"]],
            ["payPrinBySeq", "acc", ["A", "B"]],
            ["payPrinResidual", "acc", ["E"]],
        ],
    },
    collection=[["CollectedCash", "acc"]],
    trigger={"BeforeDistribution": [
        {"condition": [("poolFactor",), "<", 0.6], "effects": ("newStatus", "Accelerated"), "status": False, "curable": False},
    ]},
    status="Amortizing",
)
