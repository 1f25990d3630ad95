namespace Ginnel.Interop.Guests;

/// <summary>The tests that share one guest: it takes seconds to boot.</summary>
[CollectionDefinition]
public sealed class GuestCollection : ICollectionFixture<GuestNetwork>;
