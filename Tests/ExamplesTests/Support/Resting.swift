import Swiftlet

/// Lets so much time of a world pass, which takes none of ours. For simulations only.
func rest(_ time: Duration) async throws {
    do {
        try await Event(name: "a rest").wait(timeout: time)
    } catch IOError.timedOut {}
}
