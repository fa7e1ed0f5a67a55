"""The GraphQL door: types are views over models, resolvers call one service function."""
