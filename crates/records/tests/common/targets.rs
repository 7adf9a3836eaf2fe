//! What the fuzz test reads: importers of all finance crates, and good files for each.

use std::path::{Path, PathBuf};

use credit::import::{deal, remittances, tape};
use credit::pool::Tape;
use credit::pool::template::Template;
use market::import::{auctions, exchange, layout, optionchain, orders, prints};
use market::{Snapshot, sample};
use records::files::ImportError;
use records::layout::Layout;
use records::record::Record;
use venue::import::{prices, states};
use venue::scenarios::ScenarioSet;

use crate::files::{COMPRESSIONS, Cells, Folder, compressed, parquet};

/// How an importer reads a file: how many records it made, if that can be told.
pub type Import = Box<dyn Fn(&Path) -> Result<Option<usize>, ImportError>>;

/// A kind of file, and good files of it.
pub struct Target {
    pub name: &'static str,
    pub import: Import,
    /// What its tables hold: how many records the table itself has.
    pub record: Option<Record>,
    pub layout: Option<Layout>,
    pub seeds: Vec<PathBuf>,
}

/// A file that is one JSON object or a program, and no table.
fn document(name: &'static str, import: Import, seed: PathBuf) -> Target {
    Target {
        name,
        import,
        record: None,
        layout: None,
        seeds: vec![seed],
    }
}

/// All kinds of files, with good ones of each in the folder.
pub fn targets(folder: &Folder) -> Vec<Target> {
    let mut targets = credit_targets(folder);
    targets.extend(market_targets(folder));
    targets.extend(auction_targets(folder));
    targets.extend(venue_targets(folder));
    targets
}

/// The same table, cut at semicolons, with lone carriage returns.
fn semicolons(header: &[String], rows: &[csv::StringRecord]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b';')
        .terminator(csv::Terminator::Any(b'\r'))
        .from_writer(Vec::new());
    writer.write_record(header).unwrap();
    rows.iter()
        .for_each(|row| writer.write_record(row).unwrap());
    writer.into_inner().unwrap()
}

/// The same table in JSON, as a list and as lines, and in Parquet, in every compression.
fn in_all_formats(folder: &Folder, name: &str, csv: &str) -> Vec<PathBuf> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(String::from).collect();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let object = |row: &csv::StringRecord| {
        let member =
            |(name, cell): (&String, &str)| format!("{name:?}: {}", serde_json::Value::from(cell));
        let members: Vec<String> = header.iter().zip(row).map(member).collect();
        format!("{{{}}}", members.join(","))
    };
    let objects: Vec<String> = rows.iter().map(object).collect();
    let mut paths = vec![
        folder.write(&format!("{name}.csv"), csv),
        folder.write(&format!("{name}-semicolon.csv"), semicolons(&header, &rows)),
        folder.write(
            &format!("{name}-list.json"),
            format!("[{}]", objects.join(",\n")),
        ),
        folder.write(&format!("{name}-lines.json"), objects.join("\n")),
    ];
    let schema: Vec<String> = header
        .iter()
        .map(|n| format!("OPTIONAL BINARY {n} (STRING)"))
        .collect();
    let cells = |i: usize| {
        Cells::Text(
            rows.iter()
                .map(|r| Some(r[i].to_string()).filter(|t| !t.is_empty()))
                .collect(),
        )
    };
    let fields: Vec<(&str, Cells)> = schema
        .iter()
        .enumerate()
        .map(|(i, f)| (f.as_str(), cells(i)))
        .collect();
    for compression in COMPRESSIONS {
        let path = folder.path(&format!("{name}-{compression}.parquet"));
        parquet(&path, &fields, compressed(compression));
        paths.push(path);
    }
    paths
}

fn small_tape() -> (Template, Tape) {
    let template = tape::read_template("mortgage").unwrap();
    let tape = credit::sample_pool::tape(3, 4, &template);
    (template, tape)
}

fn read_text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn credit_targets(folder: &Folder) -> Vec<Target> {
    let (template, tape_of) = small_tape();
    let cut_off = tape_of.cut_off.clone();
    let path = folder.path("tape.csv");
    tape::write_tape(&path, &tape_of).unwrap();
    let seeds = in_all_formats(folder, "tape", &read_text(&path));
    let record = tape::record(&template, false);
    let (t, c) = (template.clone(), cut_off.clone());
    let own: Import = Box::new(move |path| {
        Ok(Some(
            tape::read_tape(path, &t, None, c.clone())?.loans.len(),
        ))
    });
    let agency = folder.write("agency.csv", AGENCY_TAPE);
    let agency_layout = tape::read_layout("mortgage-dataset").unwrap();
    let l = agency_layout.clone();
    let t = template.clone();
    let laid_out: Import = Box::new(move |path| {
        Ok(Some(
            tape::read_tape(path, &t, Some(&l), cut_off.clone())?
                .loans
                .len(),
        ))
    });
    let next = tape_of.cut_off.next();
    let freddie = folder.write("freddie.txt", FREDDIE);
    let freddie_layout = tape::read_layout("freddie-mac-origination").unwrap();
    let (l, t, c) = (
        freddie_layout.clone(),
        template.clone(),
        tape_of.cut_off.clone(),
    );
    let without_header: Import = Box::new(move |path| {
        Ok(Some(
            tape::read_tape(path, &t, Some(&l), c.clone())?.loans.len(),
        ))
    });
    let months = format!(
        "id,event,amount,cut_off\n{},payment,2533.43,{next}\n{},default,,{next}\n{},recovery,1.5,{next}\n",
        tape_of.loans[0].id, tape_of.loans[1].id, tape_of.loans[2].id
    );
    let month: Import = Box::new(move |path| {
        Ok(Some(
            remittances::read_remittances(path, &tape_of, &next, None)?.len(),
        ))
    });
    let deals = folder.write(
        "deal.json",
        serde_json::to_vec(&credit::sample_deal::sample_deal()).unwrap(),
    );
    let absbox = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../credit/tests/absbox/sequential.json"
    );
    let indices = folder.write(
        "indices.json",
        r#"[{"name": "SOFR", "fixings": ["4.3", "4.29"]}]"#,
    );
    let templates = folder.write(
        "template.json",
        credit::pool::template::built_in("carbon").unwrap(),
    );
    let layouts = folder.write("layout.json", LAYOUT);
    let none = |read: fn(&Path) -> Result<(), ImportError>| -> Import {
        Box::new(move |path| {
            read(path)?;
            Ok(None)
        })
    };
    let text = |path: &Path| path.to_str().unwrap().to_string();
    vec![
        Target {
            name: "tape",
            import: own,
            record: Some(record),
            layout: None,
            seeds,
        },
        Target {
            name: "tape with a layout",
            import: laid_out,
            record: Some(tape::record(&template, true)),
            layout: Some(agency_layout),
            seeds: vec![agency],
        },
        Target {
            name: "tape without a header",
            import: without_header,
            record: None,
            layout: Some(freddie_layout),
            seeds: vec![freddie],
        },
        Target {
            name: "remittances",
            import: month,
            record: Some(remittances::record()),
            layout: None,
            seeds: in_all_formats(folder, "month", &months),
        },
        document(
            "deal",
            none(|path| deal::read_deal(path, Some("USD")).map(drop)),
            deals,
        ),
        document(
            "deal of AbsBox",
            none(|path| deal::read_deal(path, Some("USD")).map(drop)),
            absbox.into(),
        ),
        document(
            "indices",
            none(|path| deal::read_indices(path).map(drop)),
            indices,
        ),
        document(
            "template",
            Box::new(move |path| tape::read_template(&text(path)).map(|_| None)),
            templates,
        ),
        document(
            "layout",
            Box::new(move |path| tape::read_layout(&text(path)).map(|_| None)),
            layouts,
        ),
    ]
}

/// Two loans of a public dataset's layout, made up.
const AGENCY_TAPE: &str = "id_loan,fico,dt_first_pi,dt_matr,occpy_sts,cnt_units,cltv,ltv,dti,orig_upb,orig_int_rt,orig_loan_term,amrtzn_type,st,prop_type,loan_purpose,cnt_borr,mi_pct,flag_fthb,channel\n\
F1,700,202004,205003,P,1,80,80,40,200000,3.5,360,FRM,CA,SF,P,2,0,N,R\n\
F2,9999,202004,205003,I,1,999,70,999,150000,4.125,360,FRM,TX,CO,C,1,0,9,B\n";

/// Two loans of an agency's layout without a header, made up.
const FREDDIE: &str = "770|202003|N|203502|16740|000|2|I|65|14|125000|65|3.625|R|N|FRM|MO|SF|63100|F20Q10000004|N|180|01|Other sellers|Other servicers|||9||2|N|7\n\
9999|202004|9|205003|     |012|1|P|999|999|263000|95|3.75|T|N|FRM|CT|PU|06800|F20Q10000006|R|360|99|SELLER|SERVICER|Y||F||1|N|N\n";

/// A layout with everything in it.
const LAYOUT: &str = r#"{"record": "mortgage", "about": "A layout.", "delimiter": "|", "header": false, "count": 9, "decimal": ",",
 "columns": {"id": {"position": 2, "width": 9}, "balance": {"position": 1, "scale": -2}, "maturity": {"position": 3, "date": "MM/YYYY"},
 "purpose": {"position": 4, "codes": {"P": "purchase"}, "absent_if": ["9"]}, "status": {"value": "performing"}, "origination": {"absent": true}}}"#;

fn market_targets(folder: &Folder) -> Vec<Target> {
    let snapshot = sample::snapshot();
    let book = sample::book(&snapshot, 1, 2, 2, 1);
    let book_path = folder.path("book.csv");
    layout::write_book(&book_path, &book, &snapshot).unwrap();
    let mut books = in_all_formats(folder, "book", &read_text(&book_path));
    let nested = folder.path("nested.json");
    layout::write_book(&nested, &book, &snapshot).unwrap();
    let market_path = folder.path("market.json");
    let mut small = snapshot.clone();
    small.instruments.truncate(2);
    layout::write_market(&market_path, &small).unwrap();
    let assets = sample::exchange_assets();
    let assets_path = folder.path("assets.csv");
    exchange::write_assets(&assets_path, &assets).unwrap();
    let users_path = folder.path("users.csv");
    exchange::write_users(
        &users_path,
        &assets,
        (0..3).map(|i| sample::exchange_account(9, i)),
    )
    .unwrap();
    let chain = "instrument_name,option_type,strike,expiration_timestamp,timestamp,underlying_price,index_price,mark_iv,mark_price,mark_reason\n\
        BTC-A,call,9000,1600000000000,1590000000000,9100,9090,70,0.161,\nBTC-B,put,9000,1600000000000,1590000000000,9100,9090,71.5,0.15,thin\n";
    let reserves = "symbol,reserve\nshib,1.999\nbtc,2\neth,0\nbnb,3.5\n";
    let read_book = |snapshot: Snapshot| -> Import {
        Box::new(move |path| layout::read_book(path, &snapshot).map(|_| None))
    };
    let symbols: Vec<&str> = assets.iter().map(|a| a.symbol.as_str()).collect();
    let user_record = exchange::user_record(&symbols);
    let asset_file = assets_path.clone();
    let users: Import = Box::new(move |path| {
        let (_, book) = exchange::read(path, &asset_file, 1_795_651_200_000, "test")?;
        Ok(Some(book.accounts().len()))
    });
    let of = assets.clone();
    let reserve: Import = Box::new(move |path| Ok(Some(exchange::read_reserves(path, &of)?.len())));
    let options: Import = Box::new(|path| {
        let snapshot = optionchain::read(path, "0.1".parse().unwrap())?;
        Ok(Some(snapshot.instruments.len()))
    });
    let assets_text = read_text(&assets_path);
    let users_text = read_text(&users_path);
    let table = |name, import, record, seeds| Target {
        name,
        import,
        record: Some(record),
        layout: None,
        seeds,
    };
    books.sort();
    vec![
        table("book", read_book(snapshot.clone()), layout::record(), books),
        Target {
            name: "book in JSON",
            import: read_book(snapshot),
            record: None,
            layout: None,
            seeds: vec![nested],
        },
        Target {
            name: "market",
            import: Box::new(|path| layout::read_market(path).map(|_| None)),
            record: None,
            layout: None,
            seeds: vec![market_path],
        },
        table(
            "users",
            users,
            user_record,
            in_all_formats(folder, "users", &users_text),
        ),
        table(
            "assets",
            Box::new(|path| Ok(Some(exchange::read_assets(path)?.len()))),
            exchange::asset_record(),
            in_all_formats(folder, "assets", &assets_text),
        ),
        table(
            "reserves",
            reserve,
            exchange::reserve_record(),
            in_all_formats(folder, "reserves", reserves),
        ),
        table(
            "options",
            options,
            optionchain::record(),
            in_all_formats(folder, "options", chain),
        ),
    ]
}

fn auction_targets(folder: &Folder) -> Vec<Target> {
    let snapshot = sample::trading(4);
    let (of, at) = (snapshot.clone(), snapshot.clone());
    let own = "id,account,instrument,side,quantity,limit,flags,nonce,bid_limit,ask_limit,bid_quantity,ask_quantity\n\
        a1,alice,BTC-PERP,buy,0.5,64120.5,,1,,,,\na2,alice,BTC-PERP,sell,0.5,65000,,1,,,,\n\
        q1,bob,ETH-PERP,,,,quote|reduce-only,3,3600,3640.5,1.2,0.8\nc1,alice,ETH-PERP,,,,cancel,2,,,,\n";
    let fix = "ClOrdID,Account,Symbol,Side,OrderQty,Price,TimeInForce,ExecInst,OrdType\n\
        a1,alice,BTC-PERP,1,0.5,64120.5,B,E,2\nb1,bob,ETH-PERP,2,2,3600.5,7,,\n";
    let quotes = "time,symbol,price\n2026-11-26T18:48:06Z,BTC,65000.5\n2026-11-26 18:48:06.250 UTC,ETH,3600\n1795718887000,BTC,65001\n";
    let table = |name, import: Import, record, seeds| Target {
        name,
        import,
        record: Some(record),
        layout: None,
        seeds,
    };
    let mut seeds = in_all_formats(folder, "orders", own);
    seeds.extend(in_all_formats(folder, "fix", fix));
    let file = sample::auction(&snapshot, 3);
    let auction = folder.path("auction.json");
    auctions::write_auction(&auction, &file).unwrap();
    let listed = |orders: Vec<orders::SentOrder>| orders.iter().map(|o| o.lines.len()).sum();
    vec![
        table(
            "orders",
            Box::new(move |path| Ok(Some(listed(orders::read_orders(path, &of)?)))),
            orders::record(),
            seeds,
        ),
        table(
            "prints",
            Box::new(|path| {
                let prints = prints::read_prints(path)?;
                Ok(Some(prints.values().map(Vec::len).sum()))
            }),
            prints::record(),
            in_all_formats(folder, "prints", quotes),
        ),
        document(
            "auction",
            Box::new(move |path| auctions::read_auction(path, &at).map(|_| None)),
            auction,
        ),
    ]
}

fn venue_targets(folder: &Folder) -> Vec<Target> {
    let history =
        "date,BTC,ETH\n2026-11-19,9000.5,300\n2026-11-20,9100,301.25\n2026-11-21,9050,299\n";
    let set: ScenarioSet = venue::sample::scenarios(1, 2, 3);
    let scenarios = folder.path("scenarios.json");
    states::write_scenarios(&scenarios, &set).unwrap();
    let market = set.markets[0].symbol.clone();
    let trades = format!("market,lots,price,transfer,amount\n{market},5,\n{market},-3,2.5\n")
        .replace(",\n", ",,,\n")
        .replace("2.5\n", "2.5,,\n")
        + ",,,capital,12.5\n,,,roll,2026-11-26T18:48:06Z\n";
    let state = folder.write(
        "state.json",
        format!(r#"{{"capital": "900", "providers": "100", "entry": "12.5", "quantities": {{"{market}": 5}}}}"#),
    );
    let (a, b) = (set.clone(), set);
    vec![
        Target {
            name: "prices",
            import: Box::new(|path| Ok(Some(prices::read_prices(path)?.days().len()))),
            record: None,
            layout: None,
            seeds: in_all_formats(folder, "prices", history),
        },
        Target {
            name: "trades",
            import: Box::new(move |path| Ok(Some(states::read_changes(path, &a)?.len()))),
            record: Some(states::record()),
            layout: None,
            seeds: in_all_formats(folder, "trades", &trades),
        },
        document(
            "state",
            Box::new(move |path| states::read_state(path, &b).map(|_| None)),
            state,
        ),
        document(
            "scenarios",
            Box::new(|path| states::read_scenarios(path).map(|_| None)),
            scenarios,
        ),
    ]
}
