import Glibc

/// The planned times of an open loop, one after the other, made when they are asked for.
///
///     height   ╱▔▔▔▔▔▔▔▔▔▔      times = the points where the area below the curve reaches
///            ╱                  1, 2, 3 … (const) or sums of exponential gaps (poisson)
///          start  start + ramp
///
/// A cursor instead of a list: who is late simply has not moved it yet, and the planned time of
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
        next = start + Int64(min(max(0, time(ofArea: area)), 9e18))
    }

    private func time(ofArea area: Double) -> Double {
        let whileGrowing = rate * ramp / 2
        return area < whileGrowing
            ? (2 * area * ramp / rate).squareRoot() : ramp / 2 + area / rate
    }
}
