import Generator
import Processes
import Reports
import Statistics
import Syscalls

/// Gathers what was answered in each interval of a run into an interval log (`--hlog`).
///
///     tag        response, service, send_delay        of the measured time and the drain
///     tag        warmup_response, …                   before it
///
/// Looks at a run do not end where its phases do: answers of up to a quarter of a second before the
/// measured time may stand in its first interval.
struct IntervalLog {
    /// The whole file.
    private(set) var text: String
    private let interval: Duration
    private let origin = Instant.now
    private var begun = Instant.now
    private var isWarmingUp = false
    private var (response, service, sendDelay) = (Histogram(), Histogram(), Histogram())

    init(every interval: Duration) {
        self.interval = interval
        text = HistogramLog.header(
            startTime: Machine.secondsSinceEpoch, date: Machine.dateAndTime)
    }

    /// Takes what was answered since the last look.
    mutating func take(_ progress: Progress, at now: Instant) {
        // A run that is interrupted in its warm-up drains without having measured anything.
        let isBefore = progress.phase == .warmup || isWarmingUp && progress.answered == 0
        if isBefore != isWarmingUp { close(at: now) }
        isWarmingUp = isBefore
        response.add(progress.response)
        service.add(progress.service)
        sendDelay.add(progress.sendDelay)
        if now >= begun.advanced(by: interval) { close(at: now) }
    }

    /// Takes the last of it.
    mutating func end(_ progress: Progress, at now: Instant) {
        take(progress, at: now)
        close(at: now)
    }

    /// Writes the interval that ends now; a tag without a sample has no line.
    private mutating func close(at now: Instant) {
        let prefix = isWarmingUp ? "warmup_" : ""
        let parts = [("response", response), ("service", service), ("send_delay", sendDelay)]
        for (tag, histogram) in parts where histogram.count > 0 {
            text += HistogramLog.line(
                tag: prefix + tag,
                startSeconds: Double(origin.nanoseconds(to: begun)) / 1e9,
                lengthSeconds: Double(begun.nanoseconds(to: now)) / 1e9,
                histogram
            )
        }
        response.clear()
        service.clear()
        sendDelay.clear()
        begun = now
    }
}
