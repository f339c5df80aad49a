import Glibc

/// The planned times of an open loop, one after the other, made when they are asked for.
///
///     height   ╱▔▔▔▔▔▔▔▔▔▔      times = the points where the area below the curve reaches
///            ╱                  1, 2, 3 … (const) or sums of exponential gaps (poisson)
///          start  start + ramp
///
/// A cursor instead of a list: a worker that is late has not moved it yet, and the planned time of
/// what waits is known without being stored anywhere.
package struct ArrivalSchedule: Sendable {
    /// The next planned time, in nanoseconds of the clock that `start` is of.
    package private(set) var next: Int64 = 0

    private let start: Int64
    private let ramp: Double
    /// Per nanosecond.
    private let rate: Double
    private let isPoisson: Bool
    private var random: SplitMix
    /// The area below the curve up to `next`.
    private var area: Double

    /// Plans `rate` requests per second from `start` on, growing linearly over `ramp` nanoseconds.
    ///
    /// `phase`, 0 to 1, moves evenly spaced times by a share of their distance, so that several
    /// schedules do not coincide.
    package init(
        rate: Double, isPoisson: Bool, start: Int64, ramp: Int64 = 0, phase: Double = 0,
        random: SplitMix
    ) {
        self.start = start
        self.rate = rate / 1e9
        self.ramp = Double(ramp)
        self.isPoisson = isPoisson
        self.random = random
        area = isPoisson ? 0 : phase - 1
        advance()
    }

    /// Moves on to the next planned time.
    package mutating func advance() {
        area += isPoisson ? -log(random.share()) : 1
        next = instant(ofArea: area)
    }

    /// Planned times that `skip` tells one by one, and slices in which it tells more than those.
    private static let (fewMax, slices) = (10_000.0, 1000)

    /// Moves on past every planned time before `end`, and returns them: a few one by one, and more
    /// as counts for equal slices of the time, each at its middle.
    ///
    /// What nothing could take may be hundreds of millions, and must not take time itself.
    package mutating func skip(before end: Int64) -> [(planned: Int64, count: Int)] {
        var skipped: [(planned: Int64, count: Int)] = []
        if areaBelow(end) - area > ArrivalSchedule.fewMax {
            let first = next
            let width = Double(end - first) / Double(ArrivalSchedule.slices)
            for slice in 0..<ArrivalSchedule.slices {
                let middle = first + Int64((Double(slice) + 0.5) * width)
                let last = first + Int64(Double(slice + 1) * width)
                skipped.append((middle, take(before: last, isFirst: slice == 0)))
            }
            if isPoisson { advance() } else { next = instant(ofArea: area) }
        }
        while next < end {
            skipped.append((next, 1))
            advance()
        }
        return skipped
    }

    /// Moves the area on to that below `end`; returns how many planned times lie between. The first
    /// one is known already, as `next`.
    private mutating func take(before end: Int64, isFirst: Bool) -> Int {
        let mean = areaBelow(end) - area
        guard isPoisson else {
            // They lie at whole distances from the first.
            let count = max(0, mean.rounded(.up))
            area += count
            return Int(count)
        }
        area = max(area, areaBelow(end))
        return random.poisson(mean: mean) + (isFirst ? 1 : 0)
    }

    private func areaBelow(_ time: Int64) -> Double {
        let elapsed = Double(max(0, time - start))
        return elapsed < ramp
            ? rate * elapsed * elapsed / (2 * ramp) : rate * (elapsed - ramp / 2)
    }

    private func instant(ofArea area: Double) -> Int64 {
        start + Int64(min(max(0, time(ofArea: area)), 9e18))
    }

    private func time(ofArea area: Double) -> Double {
        let whileGrowing = rate * ramp / 2
        return area < whileGrowing
            ? (2 * area * ramp / rate).squareRoot() : ramp / 2 + area / rate
    }
}
