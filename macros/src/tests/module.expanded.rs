/// Every user
#[cfg(feature = "roles")]
mod assign_roles {
    //! has a role.
    use super::Role;
    fn up_to_date(role: Role) -> bool {
        fn up() {}
        true
    }
    pub async fn up(tx: &mut Tx) -> Result<(), Error> {
        Ok(())
    }
    async fn down(schema: &mut Schema) -> Result<(), Error> {
        Ok(())
    }
    async fn verify(db: &Database) -> bool {
        true
    }
    const _: () = {
        use ::mongrate::__private as __mongrate;
        pub enum _002AssignRoles {}
        static __MONGRATE_NODE: __mongrate::Registration = {
            let _ = ::core::include_bytes!("/app/Cargo.toml");
            let _ = up;
            __mongrate::Registration {
                key: 326664453191124628875725845689611489484u128,
                id: "002_assign_roles",
                visible: &[
                    <__mongrate::Id<
                        137068119165820142138965301204051692090u128,
                    > as __mongrate::RegisteredOnce<_>>::NODE,
                ],
                checksum: "t2:35267093bdda9b567b778494086f02c057f070380fb06fe7b295362c015489dd",
                up: &__mongrate::Up(
                    <&mut Tx as __mongrate::Argument<'_>>::TAKES,
                    <Result<(), Error> as __mongrate::Outcome>::boxed,
                    up,
                ),
                file: ::core::file!(),
                line: ::core::line!(),
                dependencies: &["001_create_users"],
                description: "Every user\nhas a role.",
                down: ::core::option::Option::Some(__mongrate::Down {
                    kind: __mongrate::kind_of(&__mongrate::reversal(down)),
                    body: {
                        let _ = down;
                        |__context| {
                            __mongrate::revert(
                                __mongrate::reversal(down)
                                    .call(__mongrate::Argument::from_context(__context)),
                            )
                        }
                    },
                }),
                verify: ::core::option::Option::Some({
                    let _ = verify;
                    |__database| __mongrate::verify(__mongrate::look(verify, __database))
                }),
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
}
