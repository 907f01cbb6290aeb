async fn assign_roles(tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}
const _: () = {
    use ::mongrate::__private as __mongrate;
    use default_role as _;
    use ::roles::names as _;
    pub enum _002AssignRoles {}
    static __MONGRATE_NODE: __mongrate::Registration = {
        let _ = ::core::include_bytes!("/app/Cargo.toml");
        let _ = assign_roles;
        __mongrate::Registration {
            key: 326664453191124628875725845689611489484u128,
            id: "002_assign_roles",
            visible: &[],
            checksum: "t2:fbcf879b6f7fce985b9664a13f7ef4b7ffa9e4685ebedf61f0159c327b2ae27b",
            up: &__mongrate::Up(
                <&mut Tx as __mongrate::Argument<'_>>::TAKES,
                <Result<(), Error> as __mongrate::Outcome>::boxed,
                assign_roles,
            ),
            file: ::core::file!(),
            line: ::core::line!(),
            verify: ::core::option::Option::Some({
                let _ = users_have_roles;
                |__database| __mongrate::verify(
                    __mongrate::look(users_have_roles, __database),
                )
            }),
            relies_on: &["default_role", "::roles::names"],
            ..__mongrate::Registration::DEFAULT
        }
    };
    #[automatically_derived]
    #[diagnostic::do_not_recommend]
    impl __mongrate::RegisteredOnce<_002AssignRoles>
    for __mongrate::Id<326664453191124628875725845689611489484u128> {
        const NODE: __mongrate::NodeRef = __mongrate::NodeRef::new(&__MONGRATE_NODE);
    }
    __mongrate::inventory::submit!(
        __mongrate::only_one_migration_has_this_id:: < __mongrate::Id <
        326664453191124628875725845689611489484u128 >, _ > ()
    );
};
