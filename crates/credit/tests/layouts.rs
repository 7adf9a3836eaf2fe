//! Tapes as agencies and registers publish them, by the layouts that come with the program; units of rates; what is odd about a tape.

use credit::import::tape::{LAYOUTS, read_layout, read_tape, read_template};
use credit::pool::notices::notices;
use credit::pool::{Loan, Tape};

/// A tape that is read in a layout, from a file of this name; errors without the folder.
fn read(layout: Option<&str>, template: &str, name: &str, text: &str) -> Result<Tape, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    let layout = layout.map(|name| read_layout(name).unwrap());
    let template = read_template(template).unwrap();
    let cut_off = "2026-10-31".to_string().try_into().unwrap();
    let told = |e: records::files::ImportError| {
        let folder = dir.path().join("").display().to_string();
        e.to_string().replace(&folder, "")
    };
    read_tape(&path, &template, layout.as_ref(), cut_off).map_err(told)
}

/// The fields of a loan as a file writes them; `-` where absent.
fn shown(tape: &Tape, loan: &Loan, names: &str) -> String {
    let cell = |name: &str| {
        let field = tape.template.field(name).unwrap();
        let value = loan.values[field];
        value.map_or("-".into(), |v| tape.template.fields[field].show(v))
    };
    let cells: Vec<String> = names.split(' ').map(cell).collect();
    cells.join(" ")
}

/// Every layout names a template that comes with the program, too.
#[test]
fn layouts_are_of_known_templates() {
    for (name, _) in LAYOUTS {
        let layout = read_layout(name).unwrap();
        read_template(&layout.record).unwrap();
    }
    let told = read_layout("no-such").unwrap_err().to_string();
    assert!(told.contains("is no layout; name mortgage-dataset, freddie-mac-origination, freddie-mac-performance, fannie-mae-performance, abs-ee-auto, esma-annex-2"), "{told}");
}

const FREDDIE: [&str; 3] = [
    "770|202003|N|203502|16740|000|2|I|65|14|125000|65|3.625|R|N|FRM|MO|SF|63100|F20Q10000004|N|180|01|Other sellers|Other servicers|||9||2|N|7",
    "9999|202004|9|205003|     |012|1|P|999|999|263000|95|3.75|T|N|FRM|CT|PU|06800|F20Q10000006|R|360|99|SELLER|SERVICER|Y||F||1|N|N",
    "680|202004|Y|205003|31080|25|99|9|97|45|90000|97|4.125|B|N|FRM|PR|99|90200|F20Q10000007|9|360|02|SELLER|SERVICER|||9||3||7",
];

#[test]
fn a_freddie_mac_origination_file_is_read() {
    let text = FREDDIE.join("\n") + "\n";
    let tape = read(
        Some("freddie-mac-origination"),
        "mortgage",
        "orig_2020Q1.txt",
        &text,
    )
    .unwrap();
    let names = "original_balance balance rate remaining_term amortization maturity state fico ltv cltv dti occupancy property purpose units \
                 borrowers insured first_time_buyer channel status";
    let lines: Vec<String> = tape.loans.iter().map(|l| shown(&tape, l, names)).collect();
    assert_eq!(
        lines,
        [
            "125000.00 125000.00 3.6250 180 level-pay 2035-02-01 MO 770 65 65 14 investment single-family refinance 2 1 0 no retail performing",
            "263000.00 263000.00 3.7500 360 level-pay 2050-03-01 CT - 95 - - primary planned-unit - 1 - 12 - - performing",
            "90000.00 90000.00 4.1250 360 level-pay 2050-03-01 PR 680 97 97 45 - - - - 2 25 yes broker performing",
        ]
    );
    assert_eq!(tape.loans[1].id, "F20Q10000006");
    for (from, to, expected) in [
        (
            "|N|7",
            "|Y|7",
            "orig_2020Q1.txt:1: field `only_amortizing (column 31)`: 'Y': the layout does not read such loans, see its `about`",
        ),
        (
            "|FRM|MO",
            "|ARM|MO",
            "orig_2020Q1.txt:1: field `amortization (column 16)`: 'ARM' is not one of the layout's codes FRM",
        ),
        (
            "|203502|",
            "|2035-02|",
            "field `maturity (column 4)`: '2035-02' is not a date of the layout's form YYYYMM",
        ),
        (
            "|N|7",
            "",
            "orig_2020Q1.txt:1: has 30 columns where the layout has 32",
        ),
        (
            "|F20Q10000006|",
            "|F20Q10000004|",
            "orig_2020Q1.txt:2: field `id (column 20)`: duplicate loan `F20Q10000004`, first at",
        ),
        (
            "|T|",
            "|X|",
            "orig_2020Q1.txt:2: field `channel (column 14)`: 'X' is not one of the layout's codes B, C, R",
        ),
    ] {
        let told = read(
            Some("freddie-mac-origination"),
            "mortgage",
            "orig_2020Q1.txt",
            &text.replacen(from, to, 1),
        )
        .unwrap_err();
        assert!(told.contains(expected), "{told}\nlacks\n{expected}");
    }
}

/// A month's line of Freddie Mac's performance file, with what is changed: 32 columns, most of them empty.
fn freddie_month(id: &str, cells: &[(usize, &str)]) -> String {
    let mut line = [""; 32];
    for (position, cell) in [
        (1, id),
        (2, "202610"),
        (3, "118765.43"),
        (4, "0"),
        (5, "7"),
        (6, "173"),
        (11, "3.5"),
        (12, "0.00"),
        (32, "118765.43"),
    ] {
        line[position - 1] = cell;
    }
    for (position, cell) in cells {
        line[position - 1] = cell;
    }
    line.join("|")
}

/// What `join -t '|' -1 20 -2 1` writes of a line of the origination file and one of the performance file.
fn joined(origination: &str, month: &str) -> String {
    let (one, two): (Vec<&str>, Vec<&str>) =
        (origination.split('|').collect(), month.split('|').collect());
    assert_eq!((one.len(), two.len(), one[19]), (32, 32, two[0]));
    let others = one.iter().enumerate().filter(|(i, _)| *i != 19);
    let cells = std::iter::once(&two[0]).chain(others.map(|(_, cell)| cell));
    cells
        .chain(&two[1..])
        .copied()
        .collect::<Vec<_>>()
        .join("|")
        + "\n"
}

#[test]
fn a_freddie_mac_performance_file_joined_with_origination_is_read() {
    const NAME: &str = "freddie-mac-performance";
    let read = |cells: &[(usize, &str)]| {
        let one = joined(FREDDIE[0], &freddie_month("F20Q10000004", &[]));
        let two = joined(FREDDIE[1], &freddie_month("F20Q10000006", cells));
        read(Some(NAME), "mortgage", "joined.txt", &(one + &two))
    };
    let tape = read(&[(3, "250000.5"), (4, "12"), (6, "352"), (11, "3.25")]).unwrap();
    let names = "original_balance balance rate remaining_term amortization maturity state fico ltv occupancy property purpose days_past_due \
                 status channel units borrowers first_time_buyer insured";
    let lines: Vec<String> = tape.loans.iter().map(|l| shown(&tape, l, names)).collect();
    assert_eq!(
        lines,
        [
            "125000.00 118765.43 3.5000 173 level-pay - MO 770 65 investment single-family refinance 0 performing retail 2 1 no 0",
            "263000.00 250000.50 3.2500 352 level-pay - CT - 95 primary planned-unit - 360 delinquent - 1 - - 12",
        ]
    );
    assert_eq!(tape.loans[0].id, "F20Q10000004");
    for (cell, expected) in [
        (
            (9, "01"),
            "joined.txt:2: field `only_in_the_pool (column 40)`: '01': the layout does not read such loans",
        ),
        (
            (12, "9000.00"),
            "joined.txt:2: field `only_without_deferred (column 43)`: '9000.00': the layout does not read such loans",
        ),
        (
            (4, "RA"),
            "joined.txt:2: field `days_past_due (column 35)`: 'RA' is not one of the layout's codes",
        ),
        (
            (3, ""),
            "joined.txt:2: field `balance (column 34)`: is empty",
        ),
    ] {
        let told = read(&[cell]).unwrap_err();
        assert!(told.contains(expected), "{told}\nlacks\n{expected}");
    }
    // One of the two files alone is no tape.
    let month = freddie_month("F20Q10000004", &[]) + "\n";
    let told = self::read(Some(NAME), "mortgage", "perf.txt", &month).unwrap_err();
    assert!(
        told.contains("perf.txt:1: has 32 columns where the layout has 63"),
        "{told}"
    );
}

/// A line of Fannie Mae's file: 110 columns, most of them empty.
fn fannie(cells: &[(usize, &str)]) -> String {
    let mut line = [""; 110];
    for (position, cell) in [
        (2, "100000000001"),
        (3, "102026"),
        (4, "C"),
        (8, "4.5"),
        (9, "4.25"),
        (10, "200000.00"),
        (12, "181234.56"),
        (13, "360"),
        (14, "062020"),
        (16, "76"),
        (17, "284"),
        (18, "283"),
        (19, "072050"),
        (20, "80"),
        (21, "80"),
        (22, "2"),
        (23, "38"),
        (24, "742"),
        (26, "N"),
        (27, "C"),
        (28, "SF"),
        (29, "1"),
        (30, "P"),
        (31, "TX"),
        (35, "FRM"),
        (37, "N"),
        (40, "00"),
    ] {
        line[position - 1] = cell;
    }
    for (position, cell) in cells {
        line[position - 1] = cell;
    }
    line.join("|") + "\n"
}

#[test]
fn a_fannie_mae_file_is_read() {
    let late = fannie(&[(2, "100000000002"), (40, "03"), (27, "U"), (24, "")]);
    let tape = read(
        Some("fannie-mae-performance"),
        "mortgage",
        "2020Q1.csv",
        &(fannie(&[]) + &late),
    )
    .unwrap();
    let names = "original_balance balance rate remaining_term origination maturity fico purpose days_past_due status channel insured";
    let lines: Vec<String> = tape.loans.iter().map(|l| shown(&tape, l, names)).collect();
    assert_eq!(
        lines,
        [
            "200000.00 181234.56 4.2500 283 2020-06-01 2050-07-01 742 cash-out 0 performing correspondent -",
            "200000.00 181234.56 4.2500 283 2020-06-01 2050-07-01 - - 90 delinquent correspondent -",
        ]
    );
    for (cells, expected) in [
        (
            &[(44, "01")][..],
            "2020Q1.csv:1: field `only_in_the_pool (column 44)`: '01': the layout does not read such loans",
        ),
        (
            &[(37, "Y")],
            "field `only_amortizing (column 37)`: 'Y': the layout does not read such loans",
        ),
        (
            &[(40, "XX")],
            "field `days_past_due (column 40)`: 'XX' is not one of the layout's codes",
        ),
        (&[(12, "")], "field `balance (column 12)`: is empty"),
        (
            &[(14, "202006")],
            "field `origination (column 14)`: '202006' is not a date of the layout's form MMYYYY",
        ),
    ] {
        let told = read(
            Some("fannie-mae-performance"),
            "mortgage",
            "2020Q1.csv",
            &fannie(cells),
        )
        .unwrap_err();
        assert!(told.contains(expected), "{told}\nlacks\n{expected}");
    }
    // Two months of a loan are no tape.
    let months = fannie(&[]) + &fannie(&[(3, "112026")]);
    let told = read(
        Some("fannie-mae-performance"),
        "mortgage",
        "2020Q1.csv",
        &months,
    )
    .unwrap_err();
    assert!(
        told.contains("2020Q1.csv:2: field `id (column 2)`: duplicate loan `100000000001`"),
        "{told}"
    );
}

#[test]
fn an_abs_ee_tape_of_car_loans_is_read() {
    let text = "assetNumber,originationDate,originalLoanAmount,loanMaturityDate,vehicleManufacturerName,vehicleNewUsedCode,vehicleModelYear,\
                obligorCreditScore,obligorGeographicLocation,remainingTermToMaturityNumber,reportingPeriodInterestRatePercentage,\
                reportingPeriodActualEndBalanceAmount,currentDelinquencyStatus,zeroBalanceCode\n\
                0001,03/2024,31250.00,04/2030,TOYOTA,1,2024,742,CA,42,0.0738,19876.54,0,\n\
                0002,11/2023,18000.00,12/2029,FORD,2,2019,,OH,38,0.1299,9876.5,65,\n";
    let tape = read(Some("abs-ee-auto"), "auto", "tape.csv", text).unwrap();
    let names = "original_balance balance rate remaining_term origination maturity state score vehicle make model_year days_past_due status";
    let lines: Vec<String> = tape
        .loans
        .iter()
        .map(|l| shown(&tape, l, &names.replace(" make", "")))
        .collect();
    assert_eq!(
        lines,
        [
            "31250.00 19876.54 7.3800 42 2024-03-01 2030-04-01 CA 742 new 2024 0 performing",
            "18000.00 9876.50 12.9900 38 2023-11-01 2029-12-01 OH - used 2019 65 delinquent",
        ]
    );
    assert_eq!(
        (tape.loans[0].id.as_str(), tape.loans[1].id.as_str()),
        ("0001", "0002")
    );
    let gone = read(
        Some("abs-ee-auto"),
        "auto",
        "tape.csv",
        &text.replace(",0,\n", ",0,1\n"),
    )
    .unwrap_err();
    assert!(
        gone.contains(
            "tape.csv:2: field `zeroBalanceCode`: '1': the layout does not read such loans"
        ),
        "{gone}"
    );
}

/// Filings are XML: who has one is told what to extract, whatever the file is called.
#[test]
fn a_filing_in_xml_is_refused_with_the_columns_to_extract() {
    let filing = "\u{feff}<?xml version=\"1.0\"?>\n<assetData><assets><assetNumber>1</assetNumber></assets></assetData>\n";
    for name in ["ex102.xml", "EX102.XML", "ex102.csv", "ex102"] {
        let told = read(Some("abs-ee-auto"), "auto", name, filing).unwrap_err();
        let expected = format!(
            "{name}: is XML, which is not read; extract it to CSV, a line a record, with the columns `assetNumber`, `originalLoanAmount`, \
             `reportingPeriodActualEndBalanceAmount`, "
        );
        assert!(told.starts_with(&expected), "{told}");
        assert!(
            told.contains("`vehicleNewUsedCode`") && told.ends_with("`zeroBalanceCode`"),
            "{told}"
        );
    }
    let told = read(None, "auto", "tape.xml", filing).unwrap_err();
    assert!(
        told.contains("with the columns `id`, `original_balance`, `balance`, `rate`"),
        "{told}"
    );
    assert!(!told.contains("`make`"), "{told}");
}

const ESMA: &str = "RREL1,RREL2,RREL3,RREL4,RREL5,RREL6,RREL11,RREL23,RREL24,RREL28,RREL29,RREL30,RREL35,RREL38,RREL40,RREL43,RREL68,RREL69";

#[test]
fn a_tape_of_esma_annex_2_is_read() {
    let text = format!(
        "{ESMA}\n\
         U,L1,L1,O1,O1,2026-10-31,DE300,2019-05-15,2044-05-15,EUR,250000,198765.43,FRXX,MNTH,ND1,1.85,0,PERF\n\
         U,L2,L2,O2,O2,2026-10-31,ND2,2021-02-01,2031-01-31,EUR,90000,90000,BLLT,QUTR,38.25,0.95,92,ARRE\n"
    );
    let tape = read(Some("esma-annex-2"), "mortgage-eu", "annex2.csv", &text).unwrap();
    let names = "original_balance balance rate remaining_term frequency amortization origination maturity dti days_past_due status";
    let lines: Vec<String> = tape.loans.iter().map(|l| shown(&tape, l, names)).collect();
    assert_eq!(
        lines,
        [
            "250000.00 198765.43 1.8500 211 monthly level-pay 2019-05-15 2044-05-15 - 0 performing",
            "90000.00 90000.00 0.9500 51 quarterly interest-only 2021-02-01 2031-01-31 38.2500 92 delinquent",
        ]
    );
    for (from, to, expected) in [
        (
            "FRXX",
            "FIXE",
            "annex2.csv:2: field `RREL35`: 'FIXE' is not one of the layout's codes BLLT, FRXX",
        ),
        (
            "2044-05-15",
            "ND1",
            "annex2.csv:2: field `remaining_term`: follows from the maturity, which is absent; give one of the two",
        ),
        (
            "PERF",
            "WHAT",
            "annex2.csv:2: field `RREL69`: 'WHAT' is not one of the layout's codes",
        ),
        (
            "RREL30",
            "RREL99",
            "annex2.csv:1: field `RREL30`: the column is missing",
        ),
    ] {
        let told = read(
            Some("esma-annex-2"),
            "mortgage-eu",
            "annex2.csv",
            &text.replacen(from, to, 1),
        )
        .unwrap_err();
        assert!(told.contains(expected), "{told}\nlacks\n{expected}");
    }
}

/// The months to a maturity, a part of one as one.
#[test]
fn months_to_maturity() {
    let months = |from: &str, to: &str| {
        let cut_off = credit::pool::tape::CutOff::try_from(from.to_string()).unwrap();
        cut_off.months_until(records::date::days_of(to).unwrap() as u64)
    };
    for (from, to, expected) in [
        ("2026-10-31", "2026-10-31", 0),
        ("2026-10-31", "2020-01-01", 0),
        ("2026-10-31", "2026-11-01", 1),
        ("2026-10-31", "2026-11-30", 1),
        ("2026-10-31", "2026-12-31", 2),
        ("2026-10-15", "2026-10-20", 1),
        ("2026-10-15", "2026-11-15", 1),
        ("2026-10-15", "2026-11-16", 2),
        ("2028-01-31", "2028-02-29", 1),
        ("2026-10-31", "2044-05-15", 211),
    ] {
        assert_eq!(months(from, to), expected, "{from} {to}");
    }
}

const OWN: &str = "id,original_balance,balance,rate,remaining_term,frequency,amortization,instalment,borrower,vehicle,state,days_past_due,status\n";

/// Lines of loans in our own layout: rate, remaining term, instalment.
fn own(loans: &[(&str, &str, &str)]) -> String {
    let line = |(i, (rate, term, instalment)): (usize, &(&str, &str, &str))| {
        format!(
            "{i},120000,120000,{rate},{term},monthly,level-pay,{instalment},b{i},new,CA,0,performing\n"
        )
    };
    OWN.to_string() + &loans.iter().enumerate().map(line).collect::<String>()
}

/// Rates as fractions would make a pool that bears a hundredth of its interest.
#[test]
fn rates_as_fractions_are_refused() {
    let fractions = own(&[("0.0738", "240", ""), ("0.05", "120", "")]);
    let told = read(None, "auto", "tape.csv", &fractions).unwrap_err();
    assert_eq!(
        told,
        "tape.csv:2: field `rate`: '0.0738': no rate of the tape reaches 1 percent (the highest is 0.0738); they look like fractions: write \
         percents, 7.38 for 0.0738, or give a layout in which `rate` has \"scale\": 2 (or \"scale\": 0 if they are percents)"
    );
    // One loan at a percent or more, and loans without interest, are no reason.
    assert!(
        read(
            None,
            "auto",
            "tape.csv",
            &own(&[("0.9", "240", ""), ("1", "120", "")])
        )
        .is_ok()
    );
    assert!(read(None, "auto", "tape.csv", &own(&[("0", "240", "")])).is_ok());
    // A layout says the scale.
    let dir = tempfile::tempdir().unwrap();
    let layout = |scale: &str| {
        let columns = OWN.trim().split(',').map(|name| match name {
            "rate" => format!("\"rate\": {{\"column\": \"rate\"{scale}}}"),
            name => format!("\"{name}\": {{\"column\": \"{name}\"}}"),
        });
        let optional = [
            "origination",
            "maturity",
            "score",
            "ltv",
            "payment_to_income",
            "make",
            "model_year",
        ];
        let absent = optional
            .iter()
            .map(|name| format!("\"{name}\": {{\"absent\": true}}"));
        let columns: Vec<String> = columns.chain(absent).collect();
        let text = format!(
            "{{\"record\": \"auto\", \"about\": \"ours\", \"columns\": {{{}}}}}",
            columns.join(", ")
        );
        let path = dir.path().join("layout.json");
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let rate = |scale: &str| {
        let tape = read(Some(&layout(scale)), "auto", "tape.csv", &fractions)?;
        Ok::<_, String>(shown(&tape, &tape.loans[0], "rate"))
    };
    assert_eq!(rate(", \"scale\": 2").unwrap(), "7.3800");
    assert_eq!(rate(", \"scale\": 0").unwrap(), "0.0738");
    assert!(rate("").unwrap_err().contains("they look like fractions"));
}

/// An instalment below the interest, and a loan past maturity that is not late, are told, with the first of each.
#[test]
fn odd_loans_are_told() {
    let tape = read(
        None,
        "auto",
        "tape.csv",
        &own(&[
            ("5", "240", "300"),
            ("5", "0", "0"),
            ("5", "240", "500"),
            ("5", "1", "1"),
        ]),
    )
    .unwrap();
    let told = notices(&tape);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].starts_with("1 loan(s) pay less than their interest (the first is `0`: instalment 300.00, interest 500.00)"),
        "{told:?}"
    );
    assert!(
        told[1].starts_with(
            "1 loan(s) are past maturity, owe something and are not late (the first is `1`)"
        ),
        "{told:?}"
    );
    assert!(
        notices(&read(None, "auto", "tape.csv", &own(&[("5", "240", "")])).unwrap()).is_empty()
    );
}
