import Generator
import Statistics

// What a run saw, as the members that a document and each of its probes have.

extension Measurement: Record {
    package static let fields: [Field<Measurement>] =
        [
            Field("phases", \.phases, .part),
            .group("counts", Totals.counts.within(\.totals)),
            Field("window", \.window, .optional(.part)),
            .group(
                "rate",
                [
                    .derived("achieved", .number) { $0.rate },
                    .derived("offered", .number) { $0.offeredRate },
                ]),
            .group("latency", latencies),
            Field("pacing", \.pacing, .optional(.part)), Field("fairness", \.served, .part),
            Field("memory", \.server, .optional(.part)), .group("cpu", cpu),
            Field("kernel", \.kernel, .optional(.part)),
            Field("errors", \.errors, .list(.part, atMost: 1000)),
            Field("corruptions", \.corruptions, .list(.part)),
            Field("timeline", \.timeline, .part),
        ]

    private static let latencies: [Field<Measurement>] = [
        Field("response", \.response, .part), Field("service", \.service, .part),
        Field("send_delay", \.sendDelay, .part), Field("warmup", \.warmup, .part),
        Field("slow_readers", \.slowReaders, .part),
        Field("connect", \.connectTimes, .answered), Field("lag", \.lag, .answered),
    ]

    /// Reading them comes behind the memory: together they are the server's part.
    private static let cpu: [Field<Measurement>] = [
        .derived("client_us_per_req", .optional(.number)) {
            $0.clientCPUPerRequest.map { $0 * 1e6 }
        },
        .derived("server_us_per_req", .optional(.number)) {
            $0.serverCPUPerRequest.map { $0 * 1e6 }
        },
        Field("server_s", \.serverSeconds, .optional(.number)),
        Field("threads", \.threads, .list(.part)),
    ]

    private var serverSeconds: Double? {
        get { server?.cpu }
        set { if let newValue { server?.cpu = newValue } }
    }

    /// How the run ended.
    static let endings: [Field<Measurement>] = [
        .derived("interrupted", .flag) { $0.signal != nil },
        Field("ending", \.endingWord, .choice), Field("signal", \.signal, .optional(.whole)),
    ]

    enum EndingWord: String, CaseIterable {
        case completed, interrupted
        case allConnectionsLost = "all_connections_lost"
        case connectFailed = "connect_failed"
        case generatorFailed = "generator_failed"
        /// Of a run that never began.
        case notStarted = "not_started"
    }

    var endingWord: EndingWord {
        get {
            switch ending {
            case .completed: .completed
            case .interrupted: .interrupted
            case .allConnectionsLost: .allConnectionsLost
            case .connectFailed: .connectFailed
            case .generatorFailed: .generatorFailed
            }
        }
        set {
            ending =
                switch newValue {
                case .completed, .notStarted: .completed
                case .interrupted: .interrupted(signal: 2)
                case .allConnectionsLost: .allConnectionsLost
                case .connectFailed: .connectFailed
                case .generatorFailed: .generatorFailed
                }
        }
    }

    private var signal: Int32? {
        get { if case .interrupted(let signal) = ending { signal } else { nil } }
        set { if let newValue, signal != nil { ending = .interrupted(signal: newValue) } }
    }
}

extension ErrorRow: Record {
    package static let fields: [Field<ErrorRow>] = [
        Field("phase", \.phase, .choice, isRequired: true), Field("errno", \.errno, .text),
        // More errors than any run has, and so few that all rows add up.
        Field("count", \.count, .whole(0...1 << 38)), Field("first_s", \.firstSeen, .number),
        .count("example_connection", \.exampleConnection),
        .derived("hint", .text) { Hints.hint(for: $0) },
    ]
}

extension Corruption: Record {
    package static let fields: [Field<Corruption>] = [
        .count("connection", \.connection), .count("offset", \.offset),
        Field("expected", \.expected, .hex), Field("got", \.got, .hex),
        Field("diagnosis", \.diagnosis, .text),
    ]
}

extension Form where Value == [UInt8] {
    /// "3f 2a 00".
    fileprivate static var hex: Form {
        Form<String>.text.converted(to: Figures.hex) { text in
            try text.split(separator: " ").map { word in
                guard word.utf8.count == 2, let byte = UInt8(word, radix: 16) else {
                    throw Unfit("is not bytes in hexadecimal digits")
                }
                return byte
            }
        }
    }
}
