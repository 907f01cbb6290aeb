async fn init(tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}
const _: () = {
    use ::mongrate::__private as __mongrate;
    pub enum ModuleMenu001Init {}
    static __MONGRATE_NODE: __mongrate::Registration = {
        let _ = ::core::include_bytes!("/app/migrations.lock");
        let _ = init;
        __mongrate::Registration {
            key: 88740007738088519986322575012009051958u128,
            id: "module:menu:001_init",
            visible: &[],
            checksum: "t2:5df1a90f9098cb3d605dab7b6f33df932804fcb2b903686a767a807c4b6a3291",
            up: &__mongrate::Up(
                <&mut Tx as __mongrate::Argument<'_>>::TAKES,
                <Result<(), Error> as __mongrate::Outcome>::boxed,
                init,
            ),
            file: ::core::file!(),
            line: ::core::line!(),
            source: __mongrate::Source::Module("menu"),
            ..__mongrate::Registration::DEFAULT
        }
    };
    #[automatically_derived]
    #[diagnostic::do_not_recommend]
    impl __mongrate::RegisteredOnce<ModuleMenu001Init>
    for __mongrate::Id<88740007738088519986322575012009051958u128> {
        const NODE: __mongrate::NodeRef = __mongrate::NodeRef::new(&__MONGRATE_NODE);
    }
    __mongrate::inventory::submit!(
        __mongrate::only_one_migration_has_this_id:: < __mongrate::Id <
        88740007738088519986322575012009051958u128 >, _ > ()
    );
};
