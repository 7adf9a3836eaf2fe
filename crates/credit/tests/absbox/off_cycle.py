# Two senior bonds, a junior one and equity. The first payment is on the 26th, all later ones on the 20th; it pays the
# four months from the cut-off date on.
from absbox import Generic

spring = Generic(
    "Off cycle "  "2026-1"   # a name in two pieces
    ,{"cutoff":"2026-03-01","closing":"2026-06-15","firstPay":"2026-07-26"
     ,"payFreq":["DayOfMonth",20],"poolFreq":"MonthEnd","stated":"2031-01-01"}
    ,{'assets':[["Mortgage"
        ,{"originBalance":650_000.00,"originRate":["fix",0.09],"originTerm":120
          ,"freq":"Monthly","type":"Level","originDate":"2025-02-01"}
          ,{"currentBalance":600_000.00
          ,"currentRate":0.09
          ,"remainTerm":104
          ,"status":"current"}]
      ,["Mortgage"
        ,{"originBalance":400_000,"originRate":["fix",0.1],"originTerm":120
          ,"freq":"Monthly","type":"Level","originDate":"2026-02-01"}
          ,{"currentBalance":400_000
          ,"currentRate":0.1
          ,"remainTerm":116
          ,"status":"current"}]]}
    ,(("acc01",{"balance":0}),)
    ,(("A1",{"balance":400_000
             ,"rate":0.06
             ,"originBalance":400_000
             ,"originRate":0.06
             ,"startDate":"2026-05-03"
             ,"rateType":{"Fixed":0.06}
             ,"bondType":{"Sequential":None}})
      ,("A2",{"balance":300_000
             ,"rate":0.048
             ,"originBalance":300_000
             ,"originRate":0.048
             ,"startDate":"2026-05-03"
             ,"rateType":{"fix":0.048,"dayCount":"DC_ACT_360"}
             ,"bondType":{"Sequential":None}})
      ,("B",{"balance":200_000
             ,"rate":0.09
             ,"originBalance":200_000
             ,"originRate":0.09
             ,"startDate":"2026-05-03"
             ,"rateType":{"fix":0.09,"dayCount":"DC_30E_360"}
             ,"bondType":{"Sequential":None}})
      ,("E",{"balance":100_000
             ,"rate":0.0
             ,"originBalance":100_000
             ,"originRate":0.0
             ,"startDate":"2026-05-03"
             ,"rateType":{"Fixed":0.00}
             ,"bondType":{"Equity":None}
             }))
    ,(("setup",{"type":{"fixFee":300}})
      ,("listing",{"type":{"fixFee":75.5},"feeStart":"2026-08-01"}),)
    ,{"amortizing":[
         ["payFee","acc01",['setup','listing']]
         ,["accrueAndPayInt","acc01",["A1","A2"]]
         ,["accrueAndPayInt","acc01",["B"]]
         ,["payPrin","acc01",["A1","A2"]]
         ,["payPrin","acc01",["B"]]
         ,["payPrin","acc01",["E"]]
         ,["payIntResidual","acc01","E"]]
      ,"cleanUp":[]
      ,"endOfCollection":[]       # nothing when money comes in
      ,("amortizing","defaulted"):[]
      ,("amortizing","accelerated"):[
         ["payFee","acc01",['setup','listing']]
         ,["accrueAndPayIntBySeq","acc01",["A1","A2","B"]]
         ,["payPrinBySeq","acc01",["A1","A2"]]
         ,["payPrin","acc01",["B"]]
         ,["payPrinResidual","acc01",["E"]]
      ]
      }
    ,[["CollectedInterest","acc01"]
      ,["CollectedPrincipal","acc01"]
      ,["CollectedPrepayment","acc01"]
      ,["CollectedRecoveries","acc01"]]
    ,None
    ,None
    ,None
    ,{"AfterCollect":{
        "tooManyDefaults":
         {"condition":[("cumPoolDefaultedRate",),">",0.05]
          ,"effects":("newStatus","Accelerated")
          ,"status":False
          ,"curable":False}}}
    ,("PreClosing","Amortizing")
    )

if __name__ == '__main__':
    from absbox import API
    localAPI = API("http://localhost:8081")
    result = localAPI.run(spring, read=True)
