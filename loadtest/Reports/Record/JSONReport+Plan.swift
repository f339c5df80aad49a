import Drivers
import Generator
import Statistics
import Syscalls

// The plan: every option's effective value, written and read side by side.

extension LoadPlan {
    var document: JSONValue {
        .object(
            [
                ("target", .text(target.description)),
                ("loop", .text(rate == nil ? "closed" : "open")),
            ] + load + times + lives + payload)
    }

    private var load: [(String, JSONValue)] {
        [
            ("connections", .integer(connections)),
            ("first_connection", .integer(firstConnection)), ("idle", .integer(idle)),
            ("threads", .integer(threads)), ("driver", .text(driver.rawValue)),
            ("seed", .seed(seed)),
            ("server_pid", .optional(serverProcess) { .integer(Int($0)) }),
            ("rate", .optional(rate)), ("arrivals", .text(arrivals.rawValue)),
            ("max_outstanding", .integer(maxOutstanding)), ("pipeline", .integer(pipeline)),
            ("pace", .text(pace.rawValue)),
        ]
    }

    /// Beyond every option's range, and so small that products of two can be had.
    private static let countMax = 1 << 24

    private mutating func readLoad(_ document: JSONMember) throws(DocumentError) {
        connections = try document.at("connections").count(atMost: LoadPlan.countMax) ?? connections
        firstConnection =
            try document.at("first_connection").count(atMost: LoadPlan.countMax) ?? firstConnection
        idle = try document.at("idle").count(atMost: LoadPlan.countMax) ?? idle
        threads = try document.at("threads").count(atMost: LoadPlan.countMax) ?? threads
        driver = try document.at("driver").choice() ?? driver
        seed = try document.at("seed").seed() ?? seed
        serverProcess = try document.at("server_pid").count().map(CInt.init(clamping:))
        rate = try document.at("rate").number()
        arrivals = try document.at("arrivals").choice() ?? arrivals
        maxOutstanding =
            try document.at("max_outstanding").count(atMost: LoadPlan.countMax) ?? maxOutstanding
        pipeline = try document.at("pipeline").count(atMost: LoadPlan.countMax) ?? pipeline
        pace = try document.at("pace").choice() ?? pace
    }

    private var times: [(String, JSONValue)] {
        [
            ("duration_s", .optional(duration, JSONValue.seconds)),
            ("requests", .optional(requests, JSONValue.integer)), ("ramp_s", .seconds(ramp)),
            ("warmup", .text(warmup == .auto ? "auto" : "fixed")),
            ("warmup_s", .seconds(fixedWarmup)), ("drain_s", .seconds(drain)),
            ("timeout_s", .seconds(timeout)),
        ]
    }

    private mutating func readTimes(_ document: JSONMember) throws(DocumentError) {
        duration = try document.at("duration_s").duration()
        requests = try document.at("requests").count()
        ramp = try document.at("ramp_s").duration() ?? ramp
        let isAuto = try document.at("warmup").text() == "auto"
        warmup = isAuto ? .auto : .fixed(try document.at("warmup_s").duration() ?? .zero)
        drain = try document.at("drain_s").duration() ?? drain
        timeout = try document.at("timeout_s").duration() ?? timeout
    }

    private var lives: [(String, JSONValue)] {
        let sources: JSONValue =
            switch source {
            case .auto: .text("auto")
            case .addresses(let addresses): .array(addresses.map { .text($0.description) })
            }
        return [
            ("connect_rate", .optional(connectRate)),
            ("connect_timeout_s", .seconds(connectTimeout)),
            ("requests_per_connection", .optional(requestsPerConnection, JSONValue.integer)),
            ("lifetime_s", .optional(lifetime, JSONValue.seconds)),
            ("connects_per_request", .bool(connectsPerRequest)), ("close", .text(close.rawValue)),
            ("reconnects", .bool(reconnects)), ("source", sources),
        ]
    }

    private mutating func readLives(_ document: JSONMember) throws(DocumentError) {
        connectRate = try document.at("connect_rate").number()
        connectTimeout = try document.at("connect_timeout_s").duration() ?? connectTimeout
        requestsPerConnection = try document.at("requests_per_connection").count()
        lifetime = try document.at("lifetime_s").duration()
        connectsPerRequest = try document.at("connects_per_request").bool() ?? false
        close = try document.at("close").choice() ?? close
        reconnects = try document.at("reconnects").bool() ?? false
        source = try LoadPlan.source(try document.at("source"))
    }

    private var payload: [(String, JSONValue)] {
        [
            ("size", .integer(size.largest)), ("sizes", size.document),
            ("split", .text(split.rawValue)),
            (
                "slow_read",
                .optional(slowRead) {
                    .object([("bytes_per_s", .number($0.rate)), ("share", .number($0.share))])
                }
            ),
            ("verify", .text(verification.rawValue)),
        ]
    }

    private mutating func readPayload(_ document: JSONMember) throws(DocumentError) {
        size = .fixed(try document.at("size").count() ?? 64)
        size = try SizeLaw(try document.at("sizes")) ?? size
        split = try document.at("split").choice() ?? split
        let slow = try document.at("slow_read")
        if let rate = try slow.at("bytes_per_s").number(),
            let share = try slow.at("share").number()
        {
            slowRead = SlowRead(rate: rate, share: share)
        }
        verification = try document.at("verify").choice() ?? verification
    }

    init(_ document: JSONMember) throws(DocumentError) {
        let target = try document.at("target")
        guard let address = try LoadPlan.address(target) else { throw target.error("is missing") }
        self.init(target: address)
        try readLoad(document)
        try readTimes(document)
        try readLives(document)
        try readPayload(document)
    }

    private static func address(_ place: JSONMember) throws(DocumentError) -> SocketAddress? {
        guard let text = try place.text() else { return nil }
        do {
            return try SocketAddress(text)
        } catch {
            throw place.error("is no address: \(error)")
        }
    }

    private static func source(_ place: JSONMember) throws(DocumentError) -> Source {
        if place.isText || place.isNull { return .auto }
        var addresses: [SocketAddress] = []
        for element in try place.elements() {
            guard let address = try address(element) else { throw element.error("is no address") }
            addresses.append(address)
        }
        return .addresses(addresses)
    }
}

extension SizeLaw {
    var document: JSONValue {
        switch self {
        case .fixed(let size): .object([("law", .text("fixed")), ("size", .integer(size))])
        case .uniform(let range):
            .object([
                ("law", .text("uniform")), ("from", .integer(range.lowerBound)),
                ("to", .integer(range.upperBound)),
            ])
        case .weighted(let weights):
            .object([
                ("law", .text("weighted")),
                (
                    "weights",
                    .array(
                        weights.map {
                            .object([("size", .integer($0.size)), ("weight", .number($0.weight))])
                        })
                ),
            ])
        }
    }

    /// Nil when nothing is said.
    init?(_ document: JSONMember) throws(DocumentError) {
        switch try document.at("law").text() {
        case nil: return nil
        case "fixed": self = .fixed(try document.at("size").count() ?? 64)
        case "uniform":
            let (from, to) = (try document.at("from").count(), try document.at("to").count())
            guard let from, let to, from <= to else { throw document.error("is no range") }
            self = .uniform(from...to)
        case "weighted":
            var weights: [Weight] = []
            for element in try document.at("weights").elements() {
                guard let size = try element.at("size").count(),
                    let weight = try element.at("weight").number()
                else { throw element.error("is no size and its weight") }
                weights.append(Weight(size: size, weight: weight))
            }
            self = .weighted(weights)
        default: throw try document.at("law").error("is no law of sizes")
        }
    }
}
