import Statistics

// Adds what the workers or the parts of a run saw. Counts and bins add exactly; quantiles follow
// from the sum and are never averaged.

extension Measurement {
    /// Adds what another part saw, which began `offset` nanoseconds after this one.
    ///
    /// Phases are the longest of any part, so the rate is never more than the sum of the rates.
    package mutating func add(_ other: Measurement, offset: Int64 = 0) {
        ledger.add(other.ledger)
        response.add(other.response)
        service.add(other.service)
        sendDelay.add(other.sendDelay)
        warmup.add(other.warmup)
        slowReaders.add(other.slowReaders)
        connectTimes.add(other.connectTimes)
        lag.add(other.lag)
        served.add(other.served)
        connects.add(other.connects)
        bytes.add(other.bytes)
        pacing = merge(pacing, other.pacing) { $0.add($1) }
        kernel = merge(kernel, other.kernel) { $0.add($1) }
        server = merge(server, other.server) { $0.add($1) }
        phases.lengthen(other.phases)
        timeline.add(other.timeline, offset: offset)
        errors = ErrorLog(errors, other.errors, offset: Double(offset) / 1e9).rows
        corruptions = Array((corruptions + other.corruptions).prefix(Tally.corruptionsKept))
        threads += other.threads
        if ending == .completed { ending = other.ending }
    }
}

/// What both have together, or what one of them has.
private func merge<Value>(
    _ first: Value?, _ second: Value?, _ add: (inout Value, Value) -> Void
) -> Value? {
    guard var sum = first else { return second }
    if let second { add(&sum, second) }
    return sum
}

extension Ledger {
    mutating func add(_ other: Ledger) {
        scheduled += other.scheduled
        answered += other.answered
        corrupt += other.corrupt
        timedOut += other.timedOut
        reset += other.reset
        closedEarly += other.closedEarly
        unanswered += other.unanswered
        neverSent += other.neverSent
    }
}

extension Measurement.Connects {
    mutating func add(_ other: Self) {
        tried += other.tried
        ok += other.ok
        failed += other.failed
        cancelled += other.cancelled
        lostEarly += other.lostEarly
        reopened += other.reopened
        selfConnects += other.selfConnects
    }
}

extension Measurement.Bytes {
    mutating func add(_ other: Self) {
        out += other.out
        self.in += other.in
        verified += other.verified
        surplus += other.surplus
        shortReads += other.shortReads
        partialWrites += other.partialWrites
    }
}

extension Measurement.Phases {
    /// Takes the longer of each, and steady only what all found so.
    fileprivate mutating func lengthen(_ other: Self) {
        connect = max(connect, other.connect)
        warmup = max(warmup, other.warmup)
        measured = max(measured, other.measured)
        drain = max(drain, other.drain)
        stopped = max(stopped, other.stopped)
        switch (isSteady, other.isSteady) {
        case (false, _), (_, false): isSteady = false
        case (true, true): isSteady = true
        default: isSteady = nil
        }
    }
}

extension Measurement.Pacing {
    mutating func add(_ other: Self) {
        onTime += other.onTime
        busy += other.busy
        late += other.late
        tolerance = max(tolerance, other.tolerance)
    }
}

extension Measurement.KernelCounts {
    /// Each part has a machine of its own; the share that was stolen is that of the worst.
    fileprivate mutating func add(_ other: Self) {
        listenOverflows += other.listenOverflows
        listenDrops += other.listenDrops
        retransmits += other.retransmits
        segments += other.segments
        stolen = max(stolen, other.stolen)
    }
}

extension Measurement.ServerUsage {
    fileprivate mutating func add(_ other: Self) {
        cpu += other.cpu
        residentBefore += other.residentBefore
        residentConnected += other.residentConnected
        residentAfter += other.residentAfter
    }
}
