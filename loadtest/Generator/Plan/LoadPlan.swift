import Drivers
import Statistics
import Syscalls

/// What a run is to do: the effective value of every option that shapes the load.
package struct LoadPlan: Record {
    /// Where the echo service is.
    package var target: SocketAddress
    /// Whether a request is bytes of a stream, or a datagram.
    package var socket = SocketKind.stream
    /// Connections held open together.
    package var connections = 50
    /// The number of the first of them in the whole run, of which this may be a part: numbers,
    /// and what random derives from them, differ between the parts.
    package var firstConnection = 0
    /// Silent connections beside those.
    package var idle = 0
    /// Threads of the generator, each with a driver and a share of the connections.
    package var threads = 1
    /// More of them help no machine.
    package static let threadsMax = 256
    /// Whether each thread has a table of descriptors of its own, so that the limit on them holds
    /// for its share of the connections and not for all of them.
    package var separatesDescriptors = false
    /// The generator's own driver.
    package var driver = DriverKind.epoll
    /// What everything random derives from.
    package var seed: UInt64 = 1
    /// The server's processes, when they run on this machine: their CPU and memory are measured
    /// along.
    package var serverProcesses: [CInt] = []

    // When requests are made.

    /// Requests per second in all, at planned times (an open loop); nil for a closed loop, in which
    /// a connection asks again when it has its answer.
    package var rate: Double?
    /// How planned times are spread.
    package var arrivals = Arrivals.poisson
    /// Open loop: requests in flight on a connection at most; one that finds no place waits.
    package var maxOutstanding = 1024
    /// Closed loop: requests kept in flight on a connection.
    package var pipeline = 1
    /// How planned times are met.
    package var pace = Pace.hybrid

    // How long.

    /// How long to measure; nil when only `requests` ends the run.
    package var duration: Duration? = .seconds(10)
    /// Measured requests after which the run ends; nil when only `duration` does.
    package var requests: Int?
    /// How long the load grows to its full height before the warm-up.
    package var ramp = Duration.zero
    /// How long to load the server before measuring.
    package var warmup = Warmup.fixed(.seconds(1))
    /// How long answers may take after the last request, before they count as unanswered.
    package var drain = Duration.seconds(1)
    /// How long a request may take before it counts as timed out and its connection is closed. A
    /// datagram of a closed loop counts as lost, and the next one is sent; in an open loop it may
    /// take until the end.
    package var timeout = Duration.seconds(5)

    // Connections and their life.

    /// Connections opened per second in all; nil for as fast as the limit on open attempts allows.
    package var connectRate: Double?
    /// How long an attempt to connect may take.
    package var connectTimeout = Duration.seconds(5)
    /// Requests after which a connection is closed and opened again.
    package var requestsPerConnection: Int?
    /// Age at which a connection is closed and opened again, when it has its answers.
    package var lifetime: Duration?
    /// Whether each request opens a connection of its own, as part of its response time.
    package var connectsPerRequest = false
    /// How a connection is closed.
    package var close = Close.fin
    /// Whether a connection that was lost is replaced; it is in any case where connections are
    /// closed and opened again.
    package var reconnects = false
    /// Local addresses that connections are opened from.
    package var source = Source.auto

    // The payload.

    /// Bytes of a request, and so of its echo.
    package var size = SizeLaw.fixed(64)
    /// How requests are cut into writes.
    package var split = Split.none
    /// Connections that read slowly, if some are to.
    package var slowRead: SlowRead?
    /// Whether every echoed byte is compared.
    package var verification = Verification.full

    package init(target: SocketAddress) { self.target = target }
    package init() { self.init(target: SocketAddress(ipv4: 0, port: 0)) }

    /// The target as people write it: "127.0.0.1:7788", "udp:127.0.0.1:7788".
    package var targetText: String { "\(ServiceAddress(socket, target))" }

    /// How long an answer may take where nothing else was said: a stream brings what was sent, and
    /// a datagram may be lost.
    package static func usualTimeout(of socket: SocketKind) -> Duration {
        socket == .stream ? .seconds(5) : .seconds(1)
    }

    /// Bytes that a datagram of a load may have: what names it, to the most that UDP carries over
    /// IPv4 (65,535 less the headers).
    package static let datagramSizes = DatagramHeader.size...65_507

    /// The server's process, or the first of them.
    package var serverProcess: CInt? {
        get { serverProcesses.first }
        set { serverProcesses = newValue.map { [$0] } ?? [] }
    }

    /// Whether requests have a planned time before they can be sent: in an open loop, and where
    /// each waits for its connection.
    package var plansRequests: Bool { rate != nil || connectsPerRequest }

    /// Whether a connection that is gone is opened again.
    package var reopens: Bool {
        reconnects || connectsPerRequest || requestsPerConnection != nil || lifetime != nil
    }

    /// The part of the warm-up that is there in any case.
    package var fixedWarmup: Duration {
        switch warmup {
        case .fixed(let duration): duration
        case .auto: max(.seconds(1), (duration ?? .zero) / 10)
        }
    }

    /// Whether echoed bytes are compared with what was sent.
    package enum Verification: String, CaseIterable, Sendable { case full, off }

    /// How the planned times of an open loop are spread.
    package enum Arrivals: String, CaseIterable, Sendable {
        /// Independent of each other, as many users are: exponential gaps.
        case poisson
        /// At equal distances.
        case const
    }

    /// How a thread of an open loop waits for the next planned time.
    package enum Pace: String, CaseIterable, Sendable {
        /// In the kernel, which wakes it some 20 us late.
        case sleep
        /// In the kernel until shortly before, then looking at the clock.
        case hybrid
        /// Looking at the clock all the time.
        case spin
    }

    /// How long the server is loaded before measuring.
    package enum Warmup: Sendable, Equatable {
        case fixed(Duration)
        /// A tenth of the duration and at least a second, then until the rate and the latency hold
        /// still, at most three times as long.
        case auto
    }

    /// How a connection is closed when it has done its part.
    package enum Close: String, CaseIterable, Sendable {
        /// close(2) in order.
        case fin
        /// Writing ends first; the server's end of stream is awaited.
        case half
        /// Reset, without a trace in the port table.
        case rst
        /// The server is to close; its end of stream is awaited.
        case server
    }

    /// Local addresses that connections are opened from.
    package enum Source: Sendable, Equatable {
        /// The kernel's choice; on loopback, more addresses when ports run short.
        case auto
        /// These in turn.
        case addresses([SocketAddress])
    }

    /// Connections that read slowly, so that the server meets back-pressure.
    package struct SlowRead: Record, Equatable {
        /// Bytes a second that such a connection reads.
        package var rate = 1000.0
        /// The share of the connections, above 0 and at most 1.
        package var share = 1.0
        package init() {}
        package init(rate: Double, share: Double) {
            self.rate = rate
            self.share = share
        }

        package static let fields: [Field<Self>] = [
            Field("bytes_per_s", \.rate, .number), Field("share", \.share, .number),
        ]
    }

    /// How a request is cut into writes, so that the server sees short reads.
    package enum Split: String, CaseIterable, Sendable {
        case none
        /// A byte at a time.
        case bytes
        /// In two halves.
        case half
        /// In pieces of random length.
        case random
    }
}

extension LoadPlan {
    /// The `index`-th of `count` parts, counted from 1: together they are exactly this load.
    ///
    /// Rates go with the connections, so that every connection of the whole carries the same. The
    /// payload of a connection derives from its number in the whole.
    package func part(_ index: Int, of count: Int) -> LoadPlan {
        precondition((1...count).contains(index), "part \(index) of \(count) is no part")
        func part(of total: Int) -> Range<Int> { share(of: total, for: index - 1, among: count) }
        let mine = part(of: connections)
        let weight = connections == 0 ? 0 : Double(mine.count) / Double(connections)
        var plan = self
        plan.firstConnection = firstConnection + mine.lowerBound
        plan.connections = mine.count
        plan.idle = part(of: idle).count
        plan.requests = requests.map { part(of: $0).count }
        plan.rate = rate.map { $0 * weight }
        plan.connectRate = connectRate.map { $0 * weight }
        return plan
    }
}

// What documents have of a plan: every option's effective value.

extension LoadPlan {
    /// Beyond every option's range, and so small that products of two can be had.
    private static let some = Form<Int>.whole(0...1 << 24)

    package static let fields: [Field<LoadPlan>] = load + times + lives + payload

    private static let load: [Field<LoadPlan>] = [
        Field("target", \.target, .address, isRequired: true), Field("socket", \.socket, .choice),
        .derived("loop", .text) { $0.rate == nil ? "closed" : "open" },
        Field("connections", \.connections, some),
        Field("first_connection", \.firstConnection, some), Field("idle", \.idle, some),
        Field("threads", \.threads, some),
        Field("separate_descriptors", \.separatesDescriptors, .flag),
        Field("driver", \.driver, .choice),
        Field("seed", \.seed, .whole), Field("server_pid", \.serverProcess, .optional(.whole)),
        Field("rate", \.rate, .optional(.number)), Field("arrivals", \.arrivals, .choice),
        Field("max_outstanding", \.maxOutstanding, some), Field("pipeline", \.pipeline, some),
        Field("pace", \.pace, .choice),
    ]

    private static let times: [Field<LoadPlan>] = [
        Field("duration_s", \.duration, .optional(.seconds)),
        Field("requests", \.requests, .optional(.count)), Field("ramp_s", \.ramp, .seconds),
        Field("warmup_s", \.leastWarmup, .seconds), Field("warmup", \.warmupKind, .choice),
        Field("drain_s", \.drain, .seconds), Field("timeout_s", \.timeout, .seconds),
    ]

    private static let lives: [Field<LoadPlan>] = [
        Field("connect_rate", \.connectRate, .optional(.number)),
        Field("connect_timeout_s", \.connectTimeout, .seconds),
        Field("requests_per_connection", \.requestsPerConnection, .optional(.count)),
        Field("lifetime_s", \.lifetime, .optional(.seconds)),
        Field("connects_per_request", \.connectsPerRequest, .flag),
        Field("close", \.close, .choice), Field("reconnects", \.reconnects, .flag),
        Field("source", \.source, .source),
    ]

    private static let payload: [Field<LoadPlan>] = [
        Field("size", \.largestSize, .count), Field("sizes", \.size, .part),
        Field("split", \.split, .choice), Field("slow_read", \.slowRead, .optional(.part)),
        Field("verify", \.verification, .choice),
    ]

    /// The warm-up as two members: the time that it takes at least, and then its kind.
    private var leastWarmup: Duration {
        get { fixedWarmup }
        set { warmup = .fixed(newValue) }
    }
    private var warmupKind: WarmupKind {
        get { warmup == .auto ? .auto : .fixed }
        set { if newValue == .auto { warmup = .auto } }
    }
    private enum WarmupKind: String, CaseIterable { case auto, fixed }

    /// The size as one number, which documents had before there were laws.
    private var largestSize: Int {
        get { size.largest }
        set { size = .fixed(newValue) }
    }
}

extension Form where Value == SocketAddress {
    /// As people write it: "127.0.0.1:7788".
    fileprivate static var address: Form {
        Form<String>.text.converted(to: \.description) { text in
            do { return try SocketAddress(text) } catch { throw Unfit("is no address: \(error)") }
        }
    }
}

extension Form where Value == LoadPlan.Source {
    /// "auto", or the addresses.
    fileprivate static var source: Form {
        let list = Form<[SocketAddress]>.list(.address)
        return Form(
            write: { source, encoder in
                switch source {
                case .auto: try Form<String>.text.write("auto", encoder)
                case .addresses(let addresses): try list.write(addresses, encoder)
                }
            },
            read: { decoder in
                // What is no text is a list, or an error that says so.
                if (try? Form<String>.text.read(decoder)) != nil { return .auto }
                return .addresses(try list.read(decoder))
            })
    }
}
