async fn init(tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}
const _: () = {
    use ::mongrate::__private as __mongrate;
    pub enum ModuleMenu001Init {}
    static __MONGRATE_NODE: __mongrate::Registration = {
        __mongrate::Registration {
            key: 88740007738088519986322575012009051958u128,
            id: "module:menu:001_init",
            visible: &[],
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
::core::compile_error! {
    "`module:menu:001_init` is released and must stay as it is, but its code has changed: migrations.lock has another checksum\ndatabases where it has run would not get the change: undo it, and write a new migration instead\nif it must be accepted, delete line 1 of migrations.lock, `module:menu:001_init t2:0`, and run `migrate lock-file` again"
}
