import Generator

// The middle of the report: what was answered how fast, at what cost, and what became of the rest.

extension TextReport {
    var figures: [String] {
        rate + schedule + generator + fairness + cpu + memory + kernel
            + (plan.socket == .stream ? stream : datagrams) + ledger
    }

    private var rate: [String] {
        let window = run.window
        let seconds = window?.seconds ?? run.phases.measured
        func perSecond(_ bytes: Int) -> String {
            Figures.bytes(seconds > 0 ? Double(bytes) / seconds : 0) + "/s"
        }
        var achieved = style.bold("\(Figures.rate(run.rate))/s")
        if let wanted = plan.rate {
            let share = Figures.fixed(run.rate / wanted * 100, decimals: 1)
            achieved += " of \(Figures.rate(wanted)) wanted (\(share) %)"
        }
        return flow(
            "rate",
            [
                achieved, "out \(perSecond(window?.bytesOut ?? run.bytes.out))",
                "in \(perSecond(window?.bytesIn ?? run.bytes.in))",
            ])
    }

    /// How the planned times of an open loop were met.
    private var schedule: [String] {
        guard let pacing = run.pacing, pacing.sent > 0 else { return [] }
        let tolerance = Figures.time(nanoseconds: Double(pacing.tolerance))
        var parts = ["\(Figures.part(pacing.onTime, of: pacing.sent)) sent in time (\(tolerance))"]
        func add(_ count: Int, _ cause: String) {
            if count > 0 { parts.append("\(Figures.count(count)) late: \(cause)") }
        }
        add(pacing.busy, "no free connection")
        add(pacing.late, "the generator")
        return flow("schedule", parts)
    }

    /// What a good verdict rests on.
    private var generator: [String] {
        var parts: [String] = []
        if let busiest = run.threads.map(\.busy).max() {
            parts.append("busiest thread \(Figures.percent(busiest))")
        }
        if run.lag.supports(0.99), let lag = run.lag.value(at: 0.99) {
            parts.append("lag p99 \(Figures.time(nanoseconds: Double(lag)))")
        }
        return parts.isEmpty ? [] : flow("generator", parts)
    }

    /// Percentiles over all requests hide a connection that got hardly any. Where connections come
    /// and go, what is compared is their places, which have one after the other.
    private var fairness: [String] {
        let served = run.served
        guard served.connections > 1, let jain = served.jain else { return [] }
        let each =
            plan.connectsPerRequest
            ? "requests per connection 1, per place"
            : plan.reopens ? "requests per place" : "requests per connection"
        let spread = "\(each) \(Figures.count(served.least))..\(Figures.count(served.most))"
        var parts = [
            "Jain \(Figures.fixed(jain, decimals: 3))",
            "\(spread), median \(Figures.count(served.answers(at: 0.5)))",
        ]
        if served.never > 0 {
            parts.append(style.warning("\(Figures.count(served.never)) never served"))
        }
        return flow("fairness", parts)
    }

    private var cpu: [String] {
        var parts: [String] = []
        if let cost = run.clientCPUPerRequest {
            parts.append("client \(Figures.time(seconds: cost))/request")
        }
        if let cost = run.serverCPUPerRequest, let server = run.server, run.phases.measured > 0 {
            let share = Figures.percent(
                server.cpu / (run.window?.seconds ?? run.phases.measured))
            parts.append("server \(Figures.time(seconds: cost))/request (\(share) of a core)")
        }
        return parts.isEmpty ? [] : flow("cpu", parts)
    }

    private var memory: [String] {
        guard let server = run.server else { return [] }
        func size(_ bytes: Int) -> String { Figures.bytes(Double(bytes)) }
        let each = run.memoryPerConnection.map { " (\(Figures.bytes($0)) each)" } ?? ""
        return flow(
            "memory",
            [
                "server \(size(server.residentBefore))",
                "connected \(size(server.residentConnected))\(each)",
                "end \(size(server.residentAfter))",
            ]
        )
    }

    /// What the kernel counted on the whole machine, where it counted anything.
    private var kernel: [String] {
        guard let counts = run.kernel else { return [] }
        var parts: [String] = []
        func add(_ count: Int, _ words: String) {
            if count > 0 { parts.append(style.warning("\(Figures.count(count)) \(words)")) }
        }
        add(counts.listenOverflows, "met a full listen queue")
        add(counts.listenDrops, "dropped by a listener")
        add(counts.retransmits, "of \(Figures.count(counts.segments)) segments sent again")
        add(counts.datagramOverflows, "datagrams met a full buffer")
        if counts.stolen > 0 {
            parts.append(style.warning("\(Figures.percent(counts.stolen)) of CPU stolen"))
        }
        return parts.isEmpty ? [] : flow("kernel", parts)
    }

    private var verified: String {
        let bytes = run.bytes
        let verified = "\(Figures.count(bytes.verified)) bytes"
        return switch plan.verification {
        case .off: style.warning("echo not verified")
        case .full where bytes.verified == bytes.in: "every one of \(verified) verified"
        case .full: "\(verified) of \(Figures.count(bytes.in)) verified"
        }
    }

    /// Answers that did not come as they should; what was lost stands in the ledger.
    private var datagrams: [String] {
        let seen = run.datagrams
        var parts = [verified]
        func add(_ count: Int, _ words: String) {
            if count > 0 { parts.append(style.warning("\(Figures.count(count)) \(words)")) }
        }
        if run.ledger.lost > 0 {
            let share = Double(run.ledger.lost) / Double(max(1, run.ledger.scheduled))
            parts.append(style.bad("\(Figures.percent(share)) lost"))
        }
        add(seen.late, "of them late")
        add(seen.duplicated, "came twice")
        add(seen.reordered, "out of order")
        return flow("datagrams", parts)
    }

    private var stream: [String] {
        let bytes = run.bytes
        var parts = [verified]
        if bytes.surplus > 0 { parts.append(style.bad("\(Figures.count(bytes.surplus)) surplus")) }
        if run.shortReads > 0 { parts.append("\(Figures.count(run.shortReads)) short reads") }
        if run.partialWrites > 0 {
            parts.append("\(Figures.count(run.partialWrites)) partial writes")
        }
        return flow("stream", parts)
    }

    /// The books as the sum that they are; outcomes that did not occur are left out.
    private var ledger: [String] {
        let ledger = run.ledger
        let failures = [
            (ledger.corrupt, "corrupt"), (ledger.timedOut, "timed out"), (ledger.reset, "reset"),
            (ledger.closedEarly, "closed early"), (ledger.unanswered, "unanswered"),
            (ledger.neverSent, "never sent"), (ledger.lost, "lost"),
        ]
        let terms = failures.filter { $0.0 > 0 }.map { count, word in
            "+ " + style.bad("\(Figures.count(count)) \(word)")
        }
        let sum = "= \(Figures.count(ledger.answered)) answered"
        return flow(
            "ledger",
            ["\(Figures.count(ledger.scheduled)) scheduled", sum] + terms,
            separator: " "
        )
    }
}

extension Measurement {
    /// Bytes that the server grew by for each connection; nil when it is not known.
    var memoryPerConnection: Double? {
        guard let server else { return nil }
        let growth = server.residentConnected - server.residentBefore
        let up = totals.connects.ok - totals.connects.reopened
        return growth > 0 && up > 0 ? Double(growth) / Double(up) : nil
    }
}
